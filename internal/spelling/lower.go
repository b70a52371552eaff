package spelling

import (
	"unicode"
	"unicode/utf8"
)

// Lower puts a title into a sentence; an abbreviation such as SSO stays.
func Lower(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[size:]); size == 0 || unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToLower(first)) + s[size:]
}
