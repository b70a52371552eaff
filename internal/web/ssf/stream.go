package ssf

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// delivery is how a receiver wants its tokens. The header that it wants with them is taken and never shown.
type delivery struct {
	Method        string `json:"method"`
	Endpoint      string `json:"endpoint_url,omitempty"`
	Authorization string `json:"authorization_header,omitempty"`
}

// configuration is a stream as its receiver sees it (SSF 1.0 section 8.1.1).
type configuration struct {
	ID          string               `json:"stream_id"`
	Issuer      string               `json:"iss"`
	Audience    string               `json:"aud"`
	Delivery    delivery             `json:"delivery"`
	Supported   []exeunt.SignalEvent `json:"events_supported"`
	Requested   []exeunt.SignalEvent `json:"events_requested"`
	Delivered   []exeunt.SignalEvent `json:"events_delivered"`
	Interval    int                  `json:"min_verification_interval"`
	Description string               `json:"description,omitempty"`
}

func (f *face) configuration(s exeunt.SignalStream, of Receiver) configuration {
	c := configuration{
		ID: s.ID, Issuer: f.Issuer, Audience: s.Receiver, Delivery: delivery{Method: push, Endpoint: s.Push},
		Supported: of.Settings.EventsSupported(), Requested: s.Events, Delivered: []exeunt.SignalEvent{}, Interval: int(verifyEvery.Seconds()), Description: s.Description,
	}
	if s.Push == "" {
		c.Delivery = delivery{Method: poll, Endpoint: strings.TrimRight(f.Issuer, "/") + pollPath}
	}
	for _, e := range c.Supported {
		if s.Wants(e) {
			c.Delivered = append(c.Delivered, e)
		}
	}
	return c
}

// wish is what a receiver says of its stream. What it may not say has to be what it is.
type wish struct {
	ID          string                `json:"stream_id"`
	Issuer      *string               `json:"iss"`
	Audience    *audience             `json:"aud"`
	Delivery    *delivery             `json:"delivery"`
	Supported   *[]exeunt.SignalEvent `json:"events_supported"`
	Requested   *[]exeunt.SignalEvent `json:"events_requested"`
	Delivered   *[]exeunt.SignalEvent `json:"events_delivered"`
	Interval    *int                  `json:"min_verification_interval"`
	Description *string               `json:"description"`
}

// audience is one text, or a list with one (RFC 7519 section 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// contradicts names what a receiver says otherwise than it is of what is the transmitter's to say; "" where it agrees (SSF 1.0
// sections 8.1.1.3 and 8.1.1.4).
func (c configuration) contradicts(said wish) string {
	same := func(a []exeunt.SignalEvent, b *[]exeunt.SignalEvent) bool {
		return b == nil || slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(*b)))
	}
	switch {
	case said.Issuer != nil && *said.Issuer != c.Issuer:
		return "iss"
	case said.Audience != nil && !slices.Equal(*said.Audience, audience{c.Audience}):
		return "aud"
	case !same(c.Supported, said.Supported):
		return "events_supported"
	case !same(c.Delivered, said.Delivered):
		return "events_delivered"
	case said.Interval != nil && *said.Interval != c.Interval:
		return "min_verification_interval"
	}
	return ""
}

// Lengths of what a receiver says and we keep.
const (
	mostEvents  = 100
	longestText = 1000
	longestURL  = 2000
)

// into puts what a receiver said into its stream.
func (f *face) into(s exeunt.SignalStream, said wish, of Receiver) (exeunt.SignalStream, error) {
	if said.Description != nil {
		s.Description = *said.Description
	}
	if said.Requested != nil {
		s.Events = *said.Requested
	}
	if said.Delivery != nil {
		if err := deliver(&s, *said.Delivery, of); err != nil {
			return s, err
		}
	}
	long := slices.ContainsFunc(s.Events, func(e exeunt.SignalEvent) bool { return len(e) > longestURL })
	if long || len(s.Events) > mostEvents || len(s.Description) > longestText || len(s.Push) > longestURL || len(s.Authorization) > longestURL {
		return s, exeunt.Errorf(exeunt.Invalid, "the stream says more than is kept: at most %d events, a description of %d letters and addresses of %d", mostEvents, longestText, longestURL)
	}
	return s, nil
}

func deliver(s *exeunt.SignalStream, d delivery, of Receiver) error {
	switch {
	case d.Method == poll:
		s.Push, s.Authorization = "", ""
	case d.Method != push:
		return exeunt.Errorf(exeunt.Invalid, "the delivery method is none of %s and %s", push, poll)
	case !of.Settings.MayPush(d.Endpoint):
		return exeunt.Errorf(exeunt.Invalid, "nothing is sent to that endpoint_url: it has to be https, and its host one of push_to in the settings of the system %s, which the operator has", of.System.Name)
	case strings.ContainsAny(d.Authorization, "\r\n"):
		return exeunt.Errorf(exeunt.Invalid, "the authorization_header has a line break")
	default:
		if d.Authorization != "" || d.Endpoint != s.Push { // since it is never shown, leaving it out keeps it
			s.Authorization = d.Authorization
		}
		s.Push = d.Endpoint
	}
	return nil
}

func (f *face) make(w http.ResponseWriter, r *http.Request, of Receiver) error {
	var said wish
	if err := body(r, &said); err != nil {
		return err
	}
	now := time.Now().UTC()
	s := exeunt.SignalStream{
		ID: strings.ToLower(rand.Text()), Receiver: of.Settings.Audience, Events: of.Settings.EventsSupported(), Status: exeunt.StreamEnabled, MadeAt: now, ChangedAt: now,
	}
	if err := f.agrees(s, said, of); err != nil {
		return err
	}
	s, err := f.into(s, said, of)
	if err != nil {
		return err
	}
	change := s.Make(of.System, now)
	if err := f.Streams.KeepStream(r.Context(), s, &change); err != nil {
		if exeunt.KindOf(err) == exeunt.Conflict {
			err = exeunt.Errorf(exeunt.Conflict, "there is one stream for each receiver, and yours is there: read it with GET")
		}
		return err
	}
	return answer(w, http.StatusCreated, f.configuration(s, of))
}

// agrees says what is wrong with what a receiver says of a stream as it is.
func (f *face) agrees(s exeunt.SignalStream, said wish, of Receiver) error {
	is := f.configuration(s, of)
	if name := is.contradicts(said); name != "" {
		return exeunt.Errorf(exeunt.Invalid, "%s is the transmitter's to say, and it is another: leave it out, or read the stream again", name)
	}
	return nil
}

// theirs is the receiver's stream, which has to be the one that it names.
func (f *face) theirs(r *http.Request, of Receiver, id string) (exeunt.SignalStream, error) {
	if id == "" {
		return exeunt.SignalStream{}, exeunt.Errorf(exeunt.Invalid, "the stream_id is missing: say which stream you mean")
	}
	s, err := f.Streams.SignalStream(r.Context(), of.Settings.Audience)
	if err == nil && id != s.ID {
		err = exeunt.Errorf(exeunt.NotFound, "you have no stream of that stream_id")
	}
	return s, err
}

func (f *face) read(w http.ResponseWriter, r *http.Request, of Receiver) error {
	if r.URL.Query().Has("stream_id") {
		s, err := f.theirs(r, of, r.URL.Query().Get("stream_id"))
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, f.configuration(s, of))
	}
	s, err := f.Streams.SignalStream(r.Context(), of.Settings.Audience)
	switch {
	case exeunt.KindOf(err) == exeunt.NotFound:
		return answer(w, http.StatusOK, []configuration{})
	case err != nil:
		return err
	}
	return answer(w, http.StatusOK, []configuration{f.configuration(s, of)})
}

func (f *face) patch(w http.ResponseWriter, r *http.Request, of Receiver) error {
	return f.alter(w, r, of, func(s exeunt.SignalStream, _ wish) exeunt.SignalStream { return s })
}

// replace forgets what the receiver does not say.
func (f *face) replace(w http.ResponseWriter, r *http.Request, of Receiver) error {
	return f.alter(w, r, of, func(s exeunt.SignalStream, said wish) exeunt.SignalStream {
		s.Description, s.Events = "", of.Settings.EventsSupported()
		if said.Delivery == nil {
			s.Push, s.Authorization = "", ""
		}
		return s
	})
}

func (f *face) alter(w http.ResponseWriter, r *http.Request, of Receiver, from func(exeunt.SignalStream, wish) exeunt.SignalStream) error {
	var said wish
	if err := body(r, &said); err != nil {
		return err
	}
	before, err := f.theirs(r, of, said.ID)
	if err != nil {
		return err
	}
	if err := f.agrees(before, said, of); err != nil {
		return err
	}
	next, err := f.into(from(before, said), said, of)
	if err != nil {
		return err
	}
	if next, err = f.become(r, of, before, next); err != nil {
		return err
	}
	return answer(w, http.StatusOK, f.configuration(next, of))
}

// become keeps an altered stream.
func (f *face) become(r *http.Request, of Receiver, before, next exeunt.SignalStream) (exeunt.SignalStream, error) {
	next, change := before.Become(next, of.System, f.Operator, time.Now())
	return next, f.Streams.KeepStream(r.Context(), next, &change)
}

func (f *face) drop(w http.ResponseWriter, r *http.Request, of Receiver) error {
	s, err := f.theirs(r, of, r.URL.Query().Get("stream_id"))
	if err != nil {
		return err
	}
	change := s.End(of.System, f.Operator, time.Now())
	if err := f.Streams.DropStream(r.Context(), s, &change); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// status is whether a receiver wants to hear anything now (SSF 1.0 section 8.1.2).
type status struct {
	ID     string              `json:"stream_id"`
	Status exeunt.StreamStatus `json:"status"`
	Reason string              `json:"reason,omitempty"`
}

func (f *face) readStatus(w http.ResponseWriter, r *http.Request, of Receiver) error {
	s, err := f.theirs(r, of, r.URL.Query().Get("stream_id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, status{s.ID, s.Status, s.Reason})
}

func (f *face) setStatus(w http.ResponseWriter, r *http.Request, of Receiver) error {
	var said status
	if err := body(r, &said); err != nil {
		return err
	}
	s, err := f.theirs(r, of, said.ID)
	if err != nil {
		return err
	}
	if !slices.Contains([]exeunt.StreamStatus{exeunt.StreamEnabled, exeunt.StreamPaused, exeunt.StreamDisabled}, said.Status) {
		return exeunt.Errorf(exeunt.Invalid, "the status is none of enabled, paused and disabled")
	}
	if len(said.Reason) > longestText {
		return exeunt.Errorf(exeunt.Invalid, "the reason is longer than %d letters", longestText)
	}
	next := s
	next.Status, next.Reason = said.Status, said.Reason
	if next.Status != s.Status || next.Reason != s.Reason {
		if next, err = f.become(r, of, s, next); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, status{next.ID, next.Status, next.Reason})
}
