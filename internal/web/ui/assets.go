package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

//go:embed assets/*.css assets/*.js assets/*.svg assets/*.woff2
var files embed.FS

// asset is an embedded file under an address that holds its hash, so that browsers may keep it for
// ever and a new release is seen at once.
type asset struct {
	url    string
	kind   string
	plain  []byte
	zipped []byte // nil where compressing does not help
	entity string
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2",
}

var assets, assetsByURL = load()

// load hashes what the style sheet refers to before the style sheet itself.
func load() (byName, byURL map[string]asset) {
	names, err := fs.Glob(files, "assets/*")
	if err != nil {
		panic(err) // the pattern is constant
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(path.Ext(b), path.Ext(a)) // .woff2 and .svg come before .css
	})
	byName, byURL = map[string]asset{}, map[string]asset{}
	for _, file := range names {
		content, err := files.ReadFile(file)
		if err != nil {
			panic(err) // it was embedded by the same glob
		}
		name := path.Base(file)
		if path.Ext(name) == ".css" {
			font := path.Base(byName["inter.woff2"].url)
			content = bytes.ReplaceAll(content, []byte("url(inter.woff2)"), []byte("url("+font+")"))
		}
		a := newAsset(name, content)
		byName[name], byURL[a.url] = a, a
	}
	return byName, byURL
}

func newAsset(name string, content []byte) asset {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:8])
	ext := path.Ext(name)
	a := asset{url: "/assets/" + strings.TrimSuffix(name, ext) + "." + hash + ext, kind: kinds[ext], plain: content, entity: `"` + hash + `"`}
	if ext != ".woff2" { // already compressed
		a.zipped = squeeze(content)
	}
	return a
}

func squeeze(content []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	_, _ = z.Write(content)                                 // a buffer does not fail
	_ = z.Close()
	return out.Bytes()
}

// assetURL is the address of an embedded file. A template that names one that is not there is a
// fault that every test of a page sees.
func assetURL(name string) string {
	a, ok := assets[name]
	if !ok {
		panic("ui: no such asset: " + name)
	}
	return a.url
}

func serveAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := assetsByURL[r.URL.Path]
	if !ok {
		return exeunt.Errorf(exeunt.NotFound, "there is no such file")
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.entity)
	if r.Header.Get("If-None-Match") == a.entity {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	content := a.plain
	if a.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			content = a.zipped
		}
	}
	_, err := w.Write(content)
	return ignoreGone(r, err)
}

func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(name, "gzip") && strings.TrimSpace(weight) != "q=0" {
			return true
		}
	}
	return false
}
