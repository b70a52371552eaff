package remote

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/exeunt/exeunt"
)

const (
	logHeader  = "Exeunt-Log" // which log is meant
	maxField   = 1 << 20      // as large as a body may be that a packet holds
	maxAppend  = 16 << 20     // bytes of one append
	maxRecords = 4096         // records of one append
	entryPage  = 1024         // leaves of one answer
	maxAnswer  = 512 << 20    // as large as a packet may be
)

// head is the answer to "which ledger are you, and how far?". The signed checkpoint is one of the files.
type head struct {
	Origin string `json:"origin"`
	Key    string `json:"key"`
	Size   int64  `json:"size"` // integrated; the last of them may not be signed yet
}

// problem is an error on its way.
type problem struct {
	Kind    exeunt.ErrorKind `json:"kind"`
	Message string           `json:"message"`
}

// statuses are for people who look at the traffic; programs read the problem.
var statuses = map[exeunt.ErrorKind]int{
	exeunt.Invalid: http.StatusBadRequest, exeunt.NotFound: http.StatusNotFound, exeunt.Conflict: http.StatusConflict,
	exeunt.Denied: http.StatusForbidden, exeunt.Unauthorised: http.StatusForbidden, exeunt.Temporary: http.StatusServiceUnavailable,
}

func writeProblem(w http.ResponseWriter, err error) {
	p := problem{exeunt.KindOf(err), exeunt.MessageOf(err)}
	status, ok := statuses[p.Kind]
	if !ok {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // the caller is gone if this fails
}

// place takes an address apart: unix:///path and unix:/path are the same.
func place(address string) (scheme, rest string) {
	scheme, rest, _ = strings.Cut(address, ":")
	return scheme, strings.TrimPrefix(rest, "//")
}

// appendBytes writes a text behind its length.
func appendBytes[T string | []byte](to []byte, text T) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

func appendRecord(to []byte, r exeunt.Record) []byte {
	to = binary.AppendUvarint(to, uint64(r.N))
	to = appendBytes(to, r.EventID)
	to = appendBytes(to, r.Case)
	to = appendBytes(to, r.Holder)
	to = appendBytes(to, r.Leaf)
	to = append(to, r.Salt[:]...)
	return appendBytes(to, r.Body)
}

var errCut = errors.New("what came is cut short or is not of this form")

// reader takes apart what the functions above put together. After its first fault it returns nothing.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) number() uint64 {
	n, width := binary.Uvarint(r.rest)
	if width <= 0 {
		r.rest, r.err = nil, errCut
		return 0
	}
	r.rest = r.rest[width:]
	return n
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > maxField || n > uint64(len(r.rest)) {
		r.rest, r.err = nil, errCut
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) bytes() []byte { return r.take(r.number()) }

// records reads as many as there are.
func records(raw []byte) ([]exeunt.Record, error) {
	in := reader{rest: raw}
	var out []exeunt.Record
	for len(in.rest) > 0 && len(out) < maxRecords {
		r := exeunt.Record{N: int64(in.number()), EventID: string(in.bytes()), Case: string(in.bytes()), Holder: string(in.bytes()), Leaf: in.bytes()}
		copy(r.Salt[:], in.take(uint64(len(r.Salt))))
		r.Body = in.bytes()
		out = append(out, r)
	}
	if in.err == nil && len(in.rest) > 0 {
		in.err = errCut
	}
	return out, in.err
}

// leaves reads as many as there are.
func leaves(raw []byte) ([][]byte, error) {
	in := reader{rest: raw}
	var out [][]byte
	for len(in.rest) > 0 {
		out = append(out, in.bytes())
	}
	return out, in.err
}
