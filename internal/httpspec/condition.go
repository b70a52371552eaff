package httpspec

import (
	"github.com/exeunt/exeunt"
)

// sight is what the looks of one observation answered, by name; "" is the first.
type sight map[string]answer

// all says whether every condition holds.
func (s sight) all(conditions []Condition) (bool, error) {
	for _, c := range conditions {
		ok, err := s.holds(c)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// holds evaluates one condition. A comparison with a field that the answer lacks is an error, not a
// no: the description does not fit the vendor, and acting on such a reading would be a guess.
func (s sight) holds(c Condition) (bool, error) {
	look, pointer := c.At.split()
	seen := s[look]
	if len(c.Was) > 0 {
		return has(c.Was, seen.status), nil
	}
	value, there := at(seen.body, pointer)
	switch {
	case c.Absent != nil:
		return (there && value != nil) != *c.Absent, nil
	case !there:
		return false, exeunt.Errorf(exeunt.Invalid, "the answer has nothing at %q, which its description promises: correct the description", c.At)
	case c.Empty != nil:
		empty, ok := isEmpty(value)
		if !ok {
			return false, exeunt.Errorf(exeunt.Invalid, "what stands at %q is neither a list nor a text, so it cannot be empty: correct the description", c.At)
		}
		return empty == *c.Empty, nil
	case len(c.In) > 0:
		for _, one := range c.In {
			if equal(value, one) {
				return true, nil
			}
		}
		return false, nil
	default:
		return equal(value, c.equals), nil
	}
}

func isEmpty(value any) (empty, ok bool) {
	switch v := value.(type) {
	case []any:
		return len(v) == 0, true
	case map[string]any:
		return len(v) == 0, true
	case string:
		return v == "", true
	case nil:
		return true, true
	default:
		return false, false
	}
}

// equal compares a JSON value with a YAML scalar. Types count: the text "false" is not false.
func equal(value, wanted any) bool {
	switch w := wanted.(type) {
	case nil:
		return value == nil
	case bool, string:
		return value == w
	default: // a number, which JSON keeps as its digits
		_, isText := value.(string)
		got, ok := text(value)
		want, wok := numberText(w)
		return ok && wok && !isText && got == want
	}
}

func has(statuses []int, status int) bool {
	for _, s := range statuses {
		if s == status {
			return true
		}
	}
	return false
}
