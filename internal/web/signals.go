package web

import "github.com/exeunt/exeunt"

// Listener is how an application that listens wants to be told of who leaves.
type Listener struct {
	Receiver string               // what it calls itself
	Way      string               // stream, push or global-token-revocation
	Delivery string               // push or poll; "" without a stream of its own
	PushTo   string               // where messages are sent
	Status   string               // enabled, paused, disabled, or no stream
	Reason   string               // why, in its own words
	Events   []exeunt.SignalEvent // that it asked for
}

// Hears says whether it takes messages now.
func (l Listener) Hears() bool { return l.Status == string(exeunt.StreamEnabled) }
