// Package ui serves the pages: plain HTML from the server, forms that post, and a little script
// that adds live rows, a palette and keys. Each page is one file with its route's handler and view
// model, and one template beside it.
//
// The package reads and acts through the small interfaces in ports.go and never touches a store.
// What a page says comes from [Reader]; a figure that cannot be computed is a dash with a reason.
//
// Templates are written in templ; the generated Go files are committed so that building needs no
// tool.
package ui

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate
