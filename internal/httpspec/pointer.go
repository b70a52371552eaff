package httpspec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Ref names a place in what a look answered: "/status" in the first look, "sessions:/total" in
// another. The place is a JSON Pointer (RFC 6901); "" is the whole answer.
type Ref string

// split gives the look's name ("" for the first) and the pointer.
func (r Ref) split() (look, pointer string) {
	text := string(r)
	if text == "" || strings.HasPrefix(text, "/") {
		return "", text
	}
	look, pointer, _ = strings.Cut(text, ":")
	return look, pointer
}

// checkPointer refuses what is not a JSON Pointer.
func checkPointer(p string) error {
	if p != "" && !strings.HasPrefix(p, "/") {
		return fmt.Errorf("%q is not a JSON Pointer: write /field/inner, or \"\" for the whole answer", p)
	}
	for i := 0; i < len(p); i++ {
		if p[i] == '~' && (i+1 == len(p) || p[i+1] != '0' && p[i+1] != '1') {
			return fmt.Errorf("%q is not a JSON Pointer: ~ is written ~0", p)
		}
	}
	return nil
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// at follows a checked pointer; ok is false where there is nothing.
func at(document any, pointer string) (value any, ok bool) {
	if pointer == "" {
		return document, document != nil
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = unescape.Replace(token)
		switch node := document.(type) {
		case map[string]any:
			if document, ok = node[token]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(node) || strconv.Itoa(i) != token {
				return nil, false
			}
			document = node[i]
		default:
			return nil, false
		}
	}
	return document, true
}

// text is a scalar as people write it. Numbers keep the vendor's digits: ids do not fit in a float.
func text(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}

// textAt is the scalar at a pointer, or "" and false.
func textAt(document any, pointer string) (string, bool) {
	value, ok := at(document, pointer)
	if !ok {
		return "", false
	}
	return text(value)
}

// count is the number at a pointer, or how many a list has there; 0 where there is neither.
func count(document any, pointer string) int {
	value, _ := at(document, pointer)
	if list, ok := value.([]any); ok {
		return len(list)
	}
	digits, _ := text(value)
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
