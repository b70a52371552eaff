package ui

import (
	"cmp"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// listensView is how an application that listens keeps up; nil for every other system.
type listensView struct {
	web.Listener
	store.SignalStats
	system string
	visit  *visit
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
	return &listensView{*l, st, system, v}, err
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

// tookLong is after how long a message that nobody takes is a reason to look there.
const tookLong = 5 * time.Minute

// toDo is what helps where it does not hear as it should; "" where it does.
func (l listensView) toDo() string {
	late := l.Waiting > 0 && l.visit.now.Sub(l.WaitingSince) > tookLong
	switch {
	case l.Status == "no stream":
		return "Give whoever runs the receiver the address of this installation and its token: it makes its stream itself. exeunt signals token makes one."
	case !l.Hears() && l.Status == string(exeunt.StreamPaused):
		return "Messages wait until the deadlines of their steps. Ask whoever runs the receiver to enable the stream again."
	case !l.Hears():
		return "Ask whoever runs the receiver to enable the stream. Until then, end by hand the sessions of people who leave."
	case late && l.Delivery == "poll":
		return "It does not fetch what waits: see there whether it runs and can sign in. exeunt signals show " + l.system + " lists what waits."
	case late:
		return "It does not take what it is sent: see there whether it runs, and the steps for what it answers. exeunt signals verify " + l.system + " tries it."
	case l.Refused > 0 && l.Delivered == 0:
		return "It refuses what it is sent: let it know our issuer, its audience and our keys, then try it with exeunt signals verify " + l.system + "."
	}
	return ""
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
