package intake

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// BambooHR are the settings of a source of kind bamboohr. The source's secret is the webhook's
// privateKey, which BambooHR shows once, when the webhook is made.
type BambooHR struct {
	Company   string              `json:"company,omitempty" jsonschema:"pattern=^[a-z0-9-]+$" jsonschema_description:"The company domain: acme for https://acme.bamboohr.com."`
	APIKey    connector.Secret    `json:"api_key,omitzero" jsonschema_description:"An API key whose user may see status, terminationDate and the mapped fields. Needed unless every field travels in the webhook."`
	BaseURL   string              `json:"base_url,omitempty" jsonschema_description:"Where the API is, when it is not https://<company>.bamboohr.com; for tests."`
	Tolerance *yamlfile.Duration  `json:"tolerance,omitempty" jsonschema_description:"How far a delivery's timestamp may lie from now. 5m when left out."`
	Fields    map[string][]string `json:"fields,omitempty" jsonschema_description:"BambooHR fields for a fact, best first, beside the usual ones: {type: [customLeavingType]}."`
	Defaults
}

// bambooFields are the fields that BambooHR usually has for each fact: the names of its API, and the
// English ones under which field-based webhooks send them. They are compared without regard to
// case, spaces and punctuation. Source: BambooHR's OpenAPI description, GetEmployeeResponse;
// documentation.bamboohr.com/docs/field-based-webhooks.
var bambooFields = map[string][]string{
	"leaver.title":                      {"jobTitleName", "jobTitle"},
	"leaver.department":                 {"department"},
	"leaver.place":                      {"location"},
	"leaver.hired_on":                   {"hireDate"},
	"leaver.manager.name":               {"reportsToName", "supervisor", "reportingTo"},
	"leaver.identifiers.work_email":     {"workEmail"},
	"leaver.identifiers.personal_email": {"homeEmail"},
	"leaver.identifiers.employee_id":    {"employeeNumber", "employee"},
	"termination_date":                  {"terminationDate"},
}

// The fields that decide whether somebody leaves.
const (
	fieldFirst       = "firstName"
	fieldLast        = "lastName"
	fieldStatus      = "status"
	fieldHistory     = "employmentHistoryStatus"
	fieldTermination = "terminationDate"
	fieldHired       = "hireDate"
	fieldSupervisor  = "supervisorEId"
)

// deciding are the changes that a departure can show in, in canonical form.
var deciding = []string{"status", "employmentstatus", "employmenthistorystatus", "terminationdate", "employmentstatusdate"}

type bamboo struct {
	spec     Spec
	settings BambooHR
	api      *bambooAPI          // nil when there is no key
	fields   map[string][]string // target → BambooHR fields
}

func openBambooHR(spec Spec, raw []byte, rt http.RoundTripper) (format, []yamlfile.Problem) {
	b := &bamboo{spec: spec, fields: maps.Clone(bambooFields)}
	if err := connector.DecodeSettings(raw, &b.settings); err != nil {
		return b, []yamlfile.Problem{{What: err.Error()}}
	}
	problems := b.settings.Defaults.problems()
	for _, target := range slices.Sorted(maps.Keys(b.settings.Fields)) {
		if !isTarget(target) || target == "leaver.id" {
			problems = append(problems, yamlfile.Problem{Path: "fields." + target, What: "nothing can be mapped to this", Remedy: "use one of " + strings.Join(targetNames(), ", ")})
			continue
		}
		b.fields[target] = append(slices.Clone(b.settings.Fields[target]), b.fields[target]...)
	}
	if b.settings.DefaultType == "" && len(b.settings.Fields["type"]) == 0 {
		problems = append(problems, yamlfile.Problem{Path: "default_type", What: "BambooHR has no standard field for how somebody leaves, and none is named", Remedy: "name it under fields: {type: [yourField]}, or set default_type: voluntary"})
	}
	switch {
	case b.settings.APIKey.IsZero():
		problems = append(problems, yamlfile.Problem{Warning: true, What: "there is no api_key, so that only field-based webhooks can be used", Remedy: "give api_key: env:NAME and company; BambooHR recommends event-based webhooks"})
	case b.settings.Company == "" && b.settings.BaseURL == "":
		problems = append(problems, yamlfile.Problem{Path: "company", What: "missing", Remedy: "write the company domain: acme for https://acme.bamboohr.com"})
	default:
		b.api = &bambooAPI{base: first(b.settings.BaseURL, "https://"+b.settings.Company+".bamboohr.com"), key: b.settings.APIKey, transport: rt}
	}
	return b, problems
}

func (b *bamboo) identifiers() []exeunt.IdentifierKind { return identifiersOf(b.fields) }

// verify checks BambooHR's signature: lower-case hex of HMAC-SHA256(privateKey, body ‖ timestamp),
// the body first and nothing between. Source: documentation.bamboohr.com/docs/webhooks, "Security".
func (b *bamboo) verify(h http.Header, body []byte, secret string, now time.Time) *exeunt.Error {
	given, at := h.Get("X-BambooHR-Signature"), h.Get("X-BambooHR-Timestamp")
	if given == "" || at == "" {
		return exeunt.Errorf(exeunt.Unauthorised, "the delivery lacks the header X-BambooHR-Signature or X-BambooHR-Timestamp")
	}
	want := hex.EncodeToString(mac([]byte(secret), body, []byte(at)))
	if !hmac.Equal([]byte(want), []byte(given)) {
		return badSignature()
	}
	return fresh(at, Signature{Tolerance: b.settings.Tolerance}.tolerance(), now)
}

// events splits a delivery: an event-based one is about one employee, a field-based one about many.
func (b *bamboo) events(h http.Header, body []byte) ([]Event, *Answer) {
	hooks, problem := parseBamboo(body)
	if problem != nil {
		return nil, malformed("%s", problem.Message)
	}
	var out []Event
	var bad []*exeunt.Error
	for _, hook := range hooks {
		if problem := b.judge(hook); problem != nil {
			bad = append(bad, problem)
			continue
		}
		// One of several is told apart by a digest: ids stay on record, and a number in one would outlive the person's case.
		of := h.Get("X-BambooHR-Timestamp")
		if len(hooks) > 1 {
			of += "/" + hook.Employee
		}
		out = append(out, Event{EventID: digest(body, of), Employee: hook.Employee})
	}
	if len(out) == 0 {
		return nil, unprocessable(append(bad, missed("employees"))[0])
	}
	return out, &Answer{Status: http.StatusAccepted, Bad: bad}
}

// judge says what keeps one employee's part of a delivery from becoming an event.
func (b *bamboo) judge(hook bambooHook) *exeunt.Error {
	switch {
	case hook.malformed != nil:
		return hook.malformed
	case !validEmployee(hook.Employee):
		return missed(hook.idPath)
	default:
		return b.lacks(hook)
	}
}

// validEmployee takes BambooHR's numeric ids. Zero is not one: the API takes it for the owner of the
// API key, who would then be the one to leave.
func validEmployee(id string) bool {
	return id != "" && len(id) <= 18 && strings.Trim(id, "0123456789") == "" && strings.Trim(id, "0") != ""
}

// lacks says what a delivery would have to carry when the employee cannot be read.
func (b *bamboo) lacks(hook bambooHook) *exeunt.Error {
	if b.api != nil || hook.action != "updated" {
		return nil
	}
	if !hook.fieldBased {
		return exeunt.Errorf(exeunt.Invalid, "event-based webhooks carry no fields and this source has no api_key: configure one, or send field-based webhooks").In("data.fields")
	}
	for _, name := range []string{fieldTermination, fieldStatus, fieldFirst, fieldLast} {
		if _, ok := hook.fields.get(name); !ok {
			return missed("employees[].fields." + name)
		}
	}
	return nil
}

func (b *bamboo) normalise(ctx context.Context, e Event) (exeunt.Trigger, error) {
	hooks, problem := parseBamboo(e.Body)
	if problem != nil {
		return exeunt.Trigger{}, problem
	}
	i := slices.IndexFunc(hooks, func(h bambooHook) bool { return h.Employee == e.Employee })
	if i < 0 {
		return exeunt.Trigger{}, exeunt.Errorf(exeunt.Invalid, "the kept delivery says nothing of the employee of this event")
	}
	hook := hooks[i]
	if hook.action != "updated" {
		return exeunt.Trigger{}, notADeparture("the employee's record was " + hook.action + " in BambooHR, which is not a departure")
	}
	read, err := b.employee(ctx, hook)
	if err != nil {
		return exeunt.Trigger{}, err
	}
	return b.decide(ctx, hook, read, e.ReceivedAt)
}

// employee takes the fields from the delivery when they are all there, else from the API.
func (b *bamboo) employee(ctx context.Context, hook bambooHook) (bambooRecord, error) {
	if hook.fieldBased && b.complete(hook.fields) {
		return hook.fields, nil
	}
	if b.api == nil {
		return nil, b.lacks(hook)
	}
	return b.api.employee(ctx, hook.Employee, b.wanted())
}

func (b *bamboo) complete(r bambooRecord) bool {
	return !slices.ContainsFunc([]string{fieldTermination, fieldStatus, fieldFirst, fieldLast}, func(name string) bool {
		_, ok := r.get(name)
		return !ok
	})
}

// wanted lists the fields that are asked for, each once, in order.
func (b *bamboo) wanted() []string {
	names := []string{fieldFirst, fieldLast, fieldStatus, fieldTermination, fieldHistory, fieldHired, fieldSupervisor}
	for _, target := range slices.Sorted(maps.Keys(b.fields)) {
		for _, name := range b.fields[target] {
			if name != "employee" && name != "reportingTo" && !slices.Contains(names, name) { // these two are names in webhooks only
				names = append(names, name)
			}
		}
	}
	return names
}

// decide says what the employee's record means. BambooHR leaves out what the key's user may not see,
// so that an absent terminationDate is no proof that there is none.
func (b *bamboo) decide(ctx context.Context, hook bambooHook, r bambooRecord, now time.Time) (exeunt.Trigger, error) {
	for _, name := range []string{fieldStatus, fieldTermination} {
		if _, ok := r.get(name); !ok {
			return exeunt.Trigger{}, exeunt.Errorf(exeunt.Denied, "BambooHR did not say %s: the API key's user lacks the permission to see it", name).In(name)
		}
	}
	t := exeunt.Trigger{Kind: exeunt.Announced, OccurredAt: hook.at}
	d := &t.Departure
	d.Leaver.ID = hook.Employee
	if err := b.fill(d, r); err != nil {
		return t, err
	}
	gone := strings.EqualFold(r.text(fieldStatus), "Inactive") || strings.EqualFold(r.text(fieldHistory), "Terminated")
	switch {
	case d.TerminationDate == "" && gone:
		return t, exeunt.Errorf(exeunt.Invalid, "%s is missing: BambooHR says that the employee is no longer active, and not since when", fieldTermination).In(fieldTermination)
	case d.TerminationDate == "" && hook.decides():
		t.Kind = exeunt.Rescinded
		return t, nil
	case d.TerminationDate == "":
		return t, notADeparture("BambooHR has no termination date for the employee")
	case !gone && d.Leaver.HiredOn > d.TerminationDate:
		return t, notADeparture("the employee was hired again after the termination date on record")
	case gone && !hook.decides() && string(d.TerminationDate) < now.AddDate(0, 0, -2).Format(time.DateOnly):
		return t, notADeparture("the employee left before, and what changed is something else")
	}
	if problem := b.settings.complete(d, b.spec, b.pathOf); problem != nil {
		return t, problem
	}
	// The involuntary kind that is already in force cannot wait for the evening.
	d.Immediate = d.Immediate || (d.Type == exeunt.Involuntary && gone)
	return t, b.manager(ctx, d, r)
}

// fill maps the record's fields.
func (b *bamboo) fill(d *exeunt.Departure, r bambooRecord) error {
	d.Leaver.Name = strings.TrimSpace(r.text(fieldFirst) + " " + r.text(fieldLast))
	for _, target := range slices.Sorted(maps.Keys(b.fields)) {
		for _, name := range b.fields[target] {
			value := r.text(name)
			if value == "" {
				continue
			}
			if err := set(d, target, value); err != nil {
				return exeunt.Errorf(exeunt.Invalid, "%s: %s", name, exeunt.MessageOf(err)).In(name)
			}
			break
		}
	}
	return nil
}

// manager reads the manager's address, which is not part of the employee's record. A manager who
// cannot be seen is left out: the case owner then stands in.
func (b *bamboo) manager(ctx context.Context, d *exeunt.Departure, r bambooRecord) error {
	id := r.text(fieldSupervisor)
	if b.api == nil || d.Leaver.Manager.Email != "" || !validEmployee(id) || id == d.Leaver.ID {
		return nil
	}
	boss, err := b.api.employee(ctx, id, []string{fieldFirst, fieldLast, "workEmail"})
	switch exeunt.KindOf(err) {
	case "":
		d.Leaver.Manager = exeunt.Person{
			Name:  first(strings.TrimSpace(boss.text(fieldFirst)+" "+boss.text(fieldLast)), d.Leaver.Manager.Name),
			Email: boss.text("workEmail"), Role: "manager"}
		return nil
	case exeunt.Invalid, exeunt.Denied: // removed, or not to be seen
		return nil
	default:
		return err
	}
}

// pathOf names a fact as BambooHR does.
func (b *bamboo) pathOf(target string) string {
	switch target {
	case "leaver.name":
		return fieldFirst + " and " + fieldLast
	case "last_day":
		return fieldTermination
	}
	if names := b.fields[target]; len(names) > 0 {
		return names[0]
	}
	return target
}

// bambooAPI reads employees.
type bambooAPI struct {
	base      string
	key       connector.Secret
	transport http.RoundTripper
}

// employee is GET /api/v1/employees/{id}. onlyCurrent=false shows values that are dated ahead, such
// as a departure next month. Source: BambooHR's OpenAPI description, operation get-employee.
func (a *bambooAPI) employee(ctx context.Context, id string, fields []string) (bambooRecord, error) {
	key, err := a.key.Reveal()
	if err != nil {
		return nil, err
	}
	query := url.Values{"fields": {strings.Join(fields, ",")}, "onlyCurrent": {"false"}}
	address := strings.TrimSuffix(a.base, "/") + "/api/v1/employees/" + url.PathEscape(id) + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the address of BambooHR is not usable: check company and base_url").Because(err)
	}
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(key, "x")
	return a.send(req)
}
