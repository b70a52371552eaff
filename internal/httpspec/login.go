package httpspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/signin"
)

// session is how a session begins.
func (a Auth) session(s Settings, base string) signin.Session {
	l := a.Login
	out := signin.Session{URL: base + l.Path, ByPassword: s.ByPassword, Cookie: l.Cookie, Header: a.Header, Prefix: a.Prefix,
		Body: func(username, password string) ([]byte, string, error) {
			v := valueVars(s.Values)
			v["username"], v["password"] = username, password
			filled, err := v.renderBody(l.Body)
			if err != nil {
				return nil, "", err
			}
			if l.Form {
				form, err := formOf(filled)
				return []byte(form.Encode()), "application/x-www-form-urlencoded", err
			}
			body, err := json.Marshal(filled)
			return body, "application/json", err
		}}
	if l.Token != nil {
		out.Token = func(body []byte) (string, bool) {
			var said any
			d := json.NewDecoder(bytes.NewReader(body))
			d.UseNumber()
			if d.Decode(&said) != nil {
				return "", false
			}
			return textAt(said, *l.Token)
		}
	}
	return out
}

// formOf writes a filled body as a form: texts, numbers and truth values by name, and lists of them.
func formOf(filled any) (url.Values, error) {
	form := url.Values{}
	fields, ok := filled.(map[string]any)
	if !ok {
		return nil, exeunt.Errorf(exeunt.Invalid, "a form is made of named fields: correct the description")
	}
	for name, value := range fields {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for _, item := range list {
			if item == nil || !isScalar(item) {
				return nil, exeunt.Errorf(exeunt.Invalid, "a form has no place for what stands under %s: correct the description", name)
			}
			form.Add(name, fmt.Sprint(item))
		}
	}
	return form, nil
}

// form checks that a body can be sent as a form.
func (c *checker) form(at []any, is bool, body any) {
	if !is {
		return
	}
	if _, err := formOf(body); err != nil {
		c.fault(under(at, "body"), "a form takes a mapping of texts, numbers and truth values, or lists of them: leave form out, or write a connector in Go")
	}
}

// login checks how a session begins.
func (c *checker) login() {
	l, at := c.spec.Auth.Login, path("auth", "login")
	if l == nil {
		c.require(path("auth"), "login", false, "the request by which a session begins: path, body with {username} and {password}, and cookie or token")
		return
	}
	c.require(at, "path", l.Path != "", "where to sign in, by POST")
	c.path(under(at, "path"), l.Path, nil)
	c.require(at, "body", l.Body != nil, "what is sent, with {username} and {password}")
	c.body(under(at, "body"), l.Body, []string{"username", "password", "values."})
	c.form(at, l.Form, l.Body)
	if l.Body != nil && !saysAll(l.Body, "username", "password") {
		c.fault(under(at, "body"), "the body has {username} and {password}")
	}
	if (l.Cookie == "") == (l.Token == nil) {
		c.fault(at, "give cookie, the name of the one that is the session, or token, where the answer has it")
	}
	if l.Token != nil {
		c.pointer(under(at, "token"), *l.Token)
	}
	if l.Cookie != "" && (c.spec.Auth.Header != "" || c.spec.Auth.Prefix != "") {
		c.fault(at, "header and prefix carry a token, and this session is a cookie")
	}
}

// saysAll says whether all the placeholders occur in a body.
func saysAll(body any, names ...string) bool {
	text := fmt.Sprint(body)
	for _, name := range names {
		if !strings.Contains(text, "{"+name+"}") {
			return false
		}
	}
	return true
}
