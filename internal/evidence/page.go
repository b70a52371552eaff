package evidence

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
)

//go:embed record.html
var pageText string

//go:embed record.css
var pageStyle string

// pagePolicy is what the page says itself, for where no server does: its own style, and nothing else at all.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}()

// PagePolicy is the content security policy that a server gives the page.
var PagePolicy = pagePolicy + "; frame-ancestors 'none'"

var pageTemplate = template.Must(template.New("record").Funcs(template.FuncMap{
	"policy": func() string { return pagePolicy },
	"style":  func() template.CSS { return template.CSS(pageStyle) }, //nolint:gosec // it is ours, and embedded
}).Parse(pageText))

func (r record) page() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, r)
	return b.Bytes(), err
}
