package intake

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// bambooHook is what one delivery says of one employee.
type bambooHook struct {
	Employee   string
	action     string // created, updated or deleted
	at         time.Time
	changed    []string // as BambooHR names them
	fieldBased bool
	fields     bambooRecord
	idPath     string // how the delivery calls the employee's id
	malformed  *exeunt.Error
}

// decides says whether a departure can show in what changed. A delivery that does not say counts.
func (h bambooHook) decides() bool {
	return len(h.changed) == 0 || slices.ContainsFunc(h.changed, func(name string) bool { return slices.Contains(deciding, canonical(name)) })
}

// bambooRecord holds an employee's fields by canonical name. One that is there and empty differs
// from one that is not there.
type bambooRecord map[string]string

func (r bambooRecord) get(name string) (string, bool) {
	v, ok := r[canonical(name)]
	return v, ok
}

func (r bambooRecord) text(name string) string {
	v, _ := r.get(name)
	return strings.TrimSpace(v)
}

// canonical makes "Termination Date", "terminationDate" and "termination_date" the same.
func canonical(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// recordOf takes a JSON object of fields, whose values are plain or {"value": …}.
func recordOf(fields map[string]any) bambooRecord {
	r := bambooRecord{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v := fields[name]
		if wrapped, ok := v.(map[string]any); ok {
			v = wrapped["value"]
		}
		r[canonical(name)] = plainText(v)
	}
	return r
}

func plainText(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case int64, bool:
		return fmt.Sprint(x)
	default:
		return ""
	}
}

// parseBamboo reads any of the forms that BambooHR posts: event-based or field-based, JSON or form.
// Source: documentation.bamboohr.com/docs/event-based-webhooks and /docs/field-based-webhooks.
func parseBamboo(body []byte) ([]bambooHook, *exeunt.Error) {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return nil, exeunt.Errorf(exeunt.Invalid, "the body is empty")
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		return parseBambooForm(string(trimmed))
	}
	v, err := parseJSON(body)
	object, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, exeunt.Errorf(exeunt.Invalid, "the body is not a JSON object")
	}
	if _, ok := object["employees"]; ok {
		return parseBambooEmployees(object)
	}
	return parseBambooEvent(object)
}

func parseBambooEvent(object map[string]any) ([]bambooHook, *exeunt.Error) {
	kind, _ := object["type"].(string)
	data, ok := object["data"].(map[string]any)
	if kind == "" || !ok {
		return nil, exeunt.Errorf(exeunt.Invalid, "the body has neither employees nor type and data, so that it is not a BambooHR webhook")
	}
	hook := bambooHook{Employee: plainText(data["employeeId"]), action: action(kind), changed: list(data["changedFields"]), idPath: "data.employeeId"}
	hook.at, _ = occurred(plainText(object["timestamp"]))
	return []bambooHook{hook}, nil
}

func parseBambooEmployees(object map[string]any) ([]bambooHook, *exeunt.Error) {
	employees, ok := object["employees"].([]any)
	if !ok {
		return nil, exeunt.Errorf(exeunt.Invalid, "employees is not a list")
	}
	var out []bambooHook
	for i, item := range employees {
		e, ok := item.(map[string]any)
		if !ok {
			at := fmt.Sprintf("employees[%d]", i)
			out = append(out, bambooHook{malformed: exeunt.Errorf(exeunt.Invalid, "%s is not an object", at).In(at)})
			continue
		}
		fields, _ := e["fields"].(map[string]any)
		hook := bambooHook{Employee: plainText(e["id"]), action: action(plainText(e["action"])), changed: list(e["changedFields"]),
			fieldBased: true, fields: recordOf(fields), idPath: fmt.Sprintf("employees[%d].id", i)}
		hook.at, _ = occurred(plainText(e["timestamp"]))
		out = keepLast(out, hook)
	}
	return out, nil
}

// keepLast replaces what was said of an employee before by what is said now, which is the newer. All
// that changed in the two has changed: a departure taken back and a new address are no mere move.
func keepLast(hooks []bambooHook, hook bambooHook) []bambooHook {
	i := slices.IndexFunc(hooks, func(h bambooHook) bool { return h.Employee == hook.Employee && validEmployee(h.Employee) })
	if i < 0 {
		return append(hooks, hook)
	}
	if len(hook.changed) > 0 && len(hooks[i].changed) > 0 {
		hook.changed = slices.Concat(hooks[i].changed, hook.changed)
	} else {
		hook.changed = nil // one of them does not say, and then everything counts
	}
	hooks[i] = hook
	return hooks
}

// action is the last word of "employee.updated", "Updated" or "employee_with_fields.deleted". One
// that is not given counts as an update, since then the record decides.
func action(kind string) string {
	word := strings.ToLower(kind[strings.LastIndex(kind, ".")+1:])
	switch word {
	case "created", "deleted":
		return word
	default:
		return "updated"
	}
}

func list(v any) []string {
	items, _ := v.([]any)
	var out []string
	for _, item := range items {
		if s := plainText(item); s != "" {
			out = append(out, s)
		}
	}
	return out
}

var (
	employeeField   = regexp.MustCompile(`^employees\[([^\]]*)\]\[([^\]]+)\]$`)
	employeeChanged = regexp.MustCompile(`^employees\[([^\]]*)\]\[changedFields\]\[\d*\]$`)
	dataChanged     = regexp.MustCompile(`^data\[changedFields\]\[\d*\]$`)
)

// parseBambooForm reads the variant that is posted as an HTML form.
func parseBambooForm(body string) ([]bambooHook, *exeunt.Error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the body is neither JSON nor a form")
	}
	for key, values := range form { // percent signs hide it from a look at the bytes
		if !storable(key) || slices.ContainsFunc(values, func(v string) bool { return !storable(v) }) {
			return nil, unstorable()
		}
	}
	if kind := form.Get("type"); kind != "" {
		hook := bambooHook{Employee: form.Get("data[employeeId]"), action: action(kind), idPath: "data[employeeId]"}
		hook.at, _ = occurred(form.Get("timestamp"))
		for _, key := range slices.Sorted(maps.Keys(form)) {
			if dataChanged.MatchString(key) {
				hook.changed = append(hook.changed, form[key]...)
			}
		}
		return []bambooHook{hook}, nil
	}
	return parseBambooEmployeeForm(form)
}

func parseBambooEmployeeForm(form url.Values) ([]bambooHook, *exeunt.Error) {
	byID := map[string]*bambooHook{}
	of := func(id string) *bambooHook {
		if byID[id] == nil {
			byID[id] = &bambooHook{Employee: id, action: "updated", fieldBased: true, fields: bambooRecord{}, idPath: "employees[]"}
		}
		return byID[id]
	}
	for _, key := range slices.Sorted(maps.Keys(form)) {
		if m := employeeChanged.FindStringSubmatch(key); m != nil {
			of(m[1]).changed = append(of(m[1]).changed, form[key]...)
			continue
		}
		m := employeeField.FindStringSubmatch(key)
		if m == nil {
			continue
		}
		switch value := form.Get(key); m[2] {
		case "action":
			of(m[1]).action = action(value)
		case "timestamp":
			of(m[1]).at, _ = occurred(value)
		default:
			of(m[1]).fields[canonical(m[2])] = value
		}
	}
	if len(byID) == 0 {
		return nil, exeunt.Errorf(exeunt.Invalid, "the form has neither type nor employees, so that it is not a BambooHR webhook")
	}
	var out []bambooHook
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out = append(out, *byID[id])
	}
	return out, nil
}

// send asks BambooHR and reads its answer, of which no word reaches an error.
func (a *bambooAPI) send(req *http.Request) (bambooRecord, error) {
	client := http.Client{Transport: a.transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // the key goes nowhere else
	resp, err := client.Do(req)
	if err != nil {
		return nil, connector.Network("BambooHR", err)
	}
	defer resp.Body.Close()
	if err := connector.Status("BambooHR", resp); err != nil {
		if err.Kind == exeunt.NotFound { // a signed delivery about nobody is for a person to look at
			return nil, exeunt.Errorf(exeunt.Invalid, "BambooHR knows no employee of the delivery's id: the record was removed, or the API key belongs to another company").In("employeeId")
		}
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return nil, connector.Network("BambooHR", err)
	}
	v, err := parseJSON(body)
	object, ok := v.(map[string]any)
	if err != nil || !ok || len(body) > MaxBody {
		return nil, exeunt.Errorf(exeunt.Temporary, "BambooHR answered with something that is not an employee")
	}
	return recordOf(object), nil
}
