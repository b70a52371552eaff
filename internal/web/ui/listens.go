package ui

import (
	"cmp"
	"strings"

	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// listensView is how an application that listens keeps up; nil for every other system.
type listensView struct {
	web.Listener
	store.SignalStats
	visit *visit
}

// listens asks how a system listens.
func (s *server) listens(v *visit, system string) (*listensView, error) {
	if s.Listens == nil {
		return nil, nil
	}
	l, err := s.Listens(v.Context(), system)
	if err != nil || l == nil {
		return nil, err
	}
	st, err := s.Reader(v.Viewer()).SignalStats(v.Context(), l.Receiver, v.now)
	return &listensView{*l, st, v}, err
}

// state is what it says of itself, as people read it.
func (l listensView) state() string {
	switch {
	case l.Status == "no stream":
		return "Not set up: it has made no stream"
	case l.Hears():
		return "Yes"
	case l.Reason != "":
		return upper(l.Status) + ": " + l.Reason
	}
	return upper(l.Status)
}

// how is the way in which it is told.
func (l listensView) how() string {
	if l.Way == "global-token-revocation" {
		return "Global token revocation"
	}
	return upper(cmp.Or(l.Delivery, l.Way))
}

func (l listensView) hearsOf() string {
	var words []string
	for _, e := range l.Events {
		words = append(words, strings.ReplaceAll(e.Short(), "-", " "))
	}
	return cmp.Or(strings.Join(words, ", "), "–")
}

func (l listensView) notTaken() string {
	if l.Waiting == 0 {
		return "Nothing"
	}
	return plural(l.Waiting, "message", "messages") + ", the oldest " + distance(l.WaitingSince, l.visit.now)
}
