package ssf

import (
	"net/http"
	"time"

	"github.com/exeunt/exeunt"
)

// mention is whom a receiver wants to hear of, or not (SSF 1.0 section 8.1.3).
type mention struct {
	ID      string         `json:"stream_id"`
	Subject map[string]any `json:"subject"`
}

func (f *face) addSubject(w http.ResponseWriter, r *http.Request, of Receiver) error {
	if err := f.mention(r, of, true); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (f *face) removeSubject(w http.ResponseWriter, r *http.Request, of Receiver) error {
	if err := f.mention(r, of, false); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (f *face) mention(r *http.Request, of Receiver, wanted bool) error {
	var said mention
	if err := body(r, &said); err != nil {
		return err
	}
	s, err := f.theirs(r, of, said.ID)
	if err != nil {
		return err
	}
	subject, narrow := said.Subject, false
	if subject["format"] == "complex" {
		narrow = len(subject) > 2 // a session, a device or a group of the user's
		subject, _ = subject["user"].(map[string]any)
	}
	id, ok := subjectID(of, subject)
	switch {
	case !ok:
		return exeunt.Errorf(exeunt.Invalid, "the subject is not of the format that the system %s is set to, which is %s", of.System.Name, of.Settings.Format())
	case narrow && !wanted: // who hears no more of one device hears of the person all the same (SSF 1.0 section 9.3)
		return nil
	}
	return f.Streams.Mentions(r.Context(), s.Receiver, id, wanted, time.Now())
}

// subjectID is whom a receiver names: by a subject identifier of the format that is agreed on, or by several, one of which is
// (RFC 9493 section 3.2.8).
func subjectID(of Receiver, subject map[string]any) (string, bool) {
	if subject["format"] != "aliases" {
		if old, ok := subject["subject_type"].(string); ok && subject["format"] == nil { // drafts before RFC 9493
			subject["format"] = old
		}
		return of.Settings.SubjectID(subject)
	}
	all, _ := subject["identifiers"].([]any)
	for _, one := range all {
		named, _ := one.(map[string]any)
		if id, ok := of.Settings.SubjectID(named); ok {
			return id, true
		}
	}
	return "", false
}

// verify lets a receiver see that it hears (SSF 1.0 section 8.1.4).
func (f *face) verify(w http.ResponseWriter, r *http.Request, of Receiver) error {
	var said struct {
		ID    string `json:"stream_id"`
		State string `json:"state"`
	}
	if err := body(r, &said); err != nil {
		return err
	}
	s, err := f.theirs(r, of, said.ID)
	if err != nil {
		return err
	}
	if len(said.State) > longestText {
		return exeunt.Errorf(exeunt.Invalid, "the state is longer than %d letters", longestText)
	}
	now := time.Now()
	asked, err := f.Streams.AskedToVerify(r.Context(), s, now.Add(-verifyEvery), now)
	if err == nil && !asked {
		w.Header().Set("Retry-After", "60")
		err = exeunt.Errorf(exeunt.Throttled, "a verification was asked for within the last minute")
	}
	if err == nil {
		err = f.Verify(r.Context(), of, s, said.State)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
