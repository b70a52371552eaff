package remote

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
)

// handler answers what a client asks of a log.
type handler struct{ log *ledger.Log }

// verb answers a request, or says why not.
type verb func(http.ResponseWriter, *http.Request) error

func newHandler(log *ledger.Log, refuse func(*http.Request) error, failed func(*http.Request, error)) http.Handler {
	h := handler{log}
	mux := http.NewServeMux()
	for pattern, do := range map[string]verb{
		"GET /v1/head": h.head, "GET /v1/entries": h.entries, "GET /v1/files/{path...}": h.file, "GET /v1/list/{path...}": h.list,
		"GET /v1/packet": h.packet, "GET /v1/check": h.check, "GET /v1/publications": h.publications, "POST /v1/append": h.append, "POST /v1/erase": h.erase,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			err := refuse(r)
			if err == nil {
				err = h.meant(r)
			}
			if err == nil {
				err = do(w, r)
			}
			if err != nil {
				failed(r, err)
				writeProblem(w, err)
			}
		})
	}
	return mux
}

// meant sees whether the caller wants this log and not another.
func (h handler) meant(r *http.Request) error {
	if want := r.Header.Get(logHeader); want != h.log.Origin() {
		return exeunt.Errorf(exeunt.Conflict, "this is the ledger of %q, and %q was asked for: see ledger.origin and ledger.address of the configuration", h.log.Origin(), want)
	}
	return nil
}

func (h handler) head(w http.ResponseWriter, r *http.Request) error {
	size, err := h.log.Size(r.Context())
	if err != nil {
		return err
	}
	key, err := h.log.VerifierKey(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, head{Origin: h.log.Origin(), Key: key, Size: size})
}

func (h handler) append(w http.ResponseWriter, r *http.Request) error {
	raw, err := body(w, r)
	if err != nil {
		return err
	}
	list, err := records(raw)
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the records cannot be read: %v", err)
	}
	if err := h.log.Append(r.Context(), list); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h handler) entries(w http.ResponseWriter, r *http.Request) error {
	from, err := strconv.ParseInt(r.FormValue("from"), 10, 64)
	if err != nil || from < 0 {
		return exeunt.Errorf(exeunt.Invalid, "from is no index").In("from")
	}
	var page []byte
	count := 0
	for entry, err := range h.log.Entries(r.Context(), from) {
		if err != nil {
			return err
		}
		page = appendBytes(page, entry.Leaf)
		if count++; count == entryPage {
			break
		}
	}
	return writeBytes(w, page)
}

func (h handler) packet(w http.ResponseWriter, r *http.Request) error {
	p, err := h.log.Packet(r.Context(), r.FormValue("case"), r.Form["about"]...)
	if err != nil {
		return err
	}
	return writeJSON(w, p)
}

func (h handler) check(w http.ResponseWriter, r *http.Request) error {
	first, err := strconv.ParseInt(r.FormValue("from"), 10, 64)
	if err != nil || first < 0 {
		return exeunt.Errorf(exeunt.Invalid, "from is no index").In("from")
	}
	found, err := h.log.CheckPart(r.Context(), first, first+ledger.CheckPart)
	if err != nil {
		return err
	}
	return writeJSON(w, found)
}

func (h handler) publications(w http.ResponseWriter, r *http.Request) error {
	list, err := h.log.Publications(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, list)
}

func (h handler) erase(w http.ResponseWriter, r *http.Request) error {
	raw, err := body(w, r)
	if err != nil {
		return err
	}
	at, err := strconv.ParseInt(r.URL.Query().Get("at"), 10, 64)
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the number of the erase entry is none").In("at")
	}
	if err := h.log.Erase(r.Context(), string(raw), at); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// file gives a public file of the log.
func (h handler) file(w http.ResponseWriter, r *http.Request) error {
	name, err := public(r)
	if err != nil {
		return err
	}
	raw, err := fs.ReadFile(h.log.Files(r.Context()), name)
	if err != nil {
		return unreadable(name, err)
	}
	return writeBytes(w, raw)
}

// list gives the names in a folder of the log.
func (h handler) list(w http.ResponseWriter, r *http.Request) error {
	name, err := public(r)
	if err != nil {
		return err
	}
	items, err := fs.ReadDir(h.log.Files(r.Context()), name)
	if err != nil {
		return unreadable(name, err)
	}
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = item.Name()
	}
	return writeJSON(w, names)
}

// public is the path that a request names, when it is one that may be shown.
func public(r *http.Request) (string, error) {
	name := r.PathValue("path")
	if !fs.ValidPath(name) || !ledger.Public(name) {
		return "", exeunt.Errorf(exeunt.NotFound, "the log has no file of this name")
	}
	return name, nil
}

func unreadable(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return exeunt.Errorf(exeunt.NotFound, "the log has no %s", name).Because(err)
	}
	return exeunt.Errorf(exeunt.Temporary, "%s of the log cannot be read", name).Because(err)
}

func body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAppend+maxField))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, exeunt.Errorf(exeunt.Invalid, "the request is larger than %d bytes", maxAppend+maxField)
	}
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "the request was cut off").Because(err)
	}
	return raw, nil
}

func writeJSON(w http.ResponseWriter, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return exeunt.Errorf(exeunt.Internal, "the answer cannot be written").Because(err)
	}
	w.Header().Set("Content-Type", "application/json")
	return writeBytes(w, raw)
}

// writeBytes sends an answer whole, with its length, so that one that is cut off is noticed.
func writeBytes(w http.ResponseWriter, raw []byte) error {
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = w.Write(raw) //nolint:gosec // JSON and bytes of the log, to a client of ours; it is gone if this fails, and notices
	return nil
}
