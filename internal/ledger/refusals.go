package ledger

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
)

// refusals are what witnesses said that have seen another history of the log. That is no outage: it is the one proof that
// log and database were put back together, or that somebody signs a second log with our key.
type refusals struct {
	mu   sync.Mutex
	size int64             // that the witnesses are asked to cosign
	said map[string]string // by the witness's address
}

func (r *refusals) ask(size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size = size
}

// heard judges a witness's answer (https://c2sp.org/tlog-witness): 409 with a size that is not larger than ours only says
// from where it wants a proof.
func (r *refusals) heard(witness string, status int, known string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := ""
	size, err := strconv.ParseInt(known, 10, 64)
	switch {
	case status == http.StatusConflict && err == nil && size > r.size:
		what = fmt.Sprintf("it has cosigned %d entries, and the log has signed %d", size, r.size)
	case status == http.StatusConflict && err != nil:
		what = fmt.Sprintf("it has cosigned other entries than the %d that the log has signed", r.size)
	case status == http.StatusUnprocessableEntity:
		what = fmt.Sprintf("what it has cosigned is not the beginning of the %d entries that the log has signed", r.size)
	case status != http.StatusOK:
		return // away, or it does not know the log: what it said before stands
	}
	if delete(r.said, witness); what != "" {
		if r.said == nil {
			r.said = map[string]string{}
		}
		r.said[witness] = what
	}
}

// list says of each witness that knows another history what it knows.
func (r *refusals) list() (found []exeunt.Difference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, witness := range slices.Sorted(maps.Keys(r.said)) {
		found = append(found, exeunt.Difference{Where: inLog, Entry: -1, Field: CosignedFile, What: "the witness at " + witness + " knows another history of it: " + r.said[witness] +
			". The ledger was put back from a backup, or somebody signs another log with its key: stop, and compare with who holds checkpoints"})
	}
	return found
}

// fault is the first of the list as an error.
func (r *refusals) fault() error {
	list := r.list()
	if len(list) == 0 {
		return nil
	}
	return exeunt.Errorf(exeunt.Conflict, "%s", list[0].What)
}

// addressOf is that of a witness, as a policy names it: several may share a host. Requests go to add-checkpoint below it.
func addressOf(asked *url.URL) string {
	return asked.Scheme + "://" + asked.Host + strings.TrimRight(strings.TrimSuffix(asked.Path, "/add-checkpoint"), "/")
}

// witnesses is how they are spoken to: no more of an answer is read than they have to say, and who refuses is noted.
type witnesses struct {
	http.RoundTripper
	refusals *refusals
}

func (w witnesses) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, witnessAnswer)
	known := ""
	if answer.StatusCode == http.StatusConflict && answer.Header.Get("Content-Type") == "text/x.tlog.size" {
		raw, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		known, answer.Body = strings.TrimSpace(string(raw)), io.NopCloser(bytes.NewReader(raw))
	}
	w.refusals.heard(addressOf(r.URL), answer.StatusCode, known)
	return answer, nil
}
