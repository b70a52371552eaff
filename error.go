package exeunt

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrorKind says what class of thing went wrong, so that whoever handles it can decide without
// reading words: retry, wait, ask a person, or stop.
type ErrorKind string

// The kinds. Everything that reaches the engine, the API or a page is one of them.
const (
	Invalid      ErrorKind = "invalid"      // the request or its data is wrong; repeating it cannot help
	NotFound     ErrorKind = "not_found"    // the thing, or the leaver's account, does not exist
	Ambiguous    ErrorKind = "ambiguous"    // more than one account matches; nothing is done to a guess
	Conflict     ErrorKind = "conflict"     // somebody else changed it meanwhile, or it is in a state that forbids this
	Denied       ErrorKind = "denied"       // known, but not allowed to (403)
	Unauthorised ErrorKind = "unauthorised" // our own credentials are wrong or expired (401)
	Throttled    ErrorKind = "throttled"    // too many requests; RetryAfter says how long to wait
	Temporary    ErrorKind = "temporary"    // may go away by itself: 5xx, timeout, cut connection
	Unsupported  ErrorKind = "unsupported"  // the system cannot do this at all
	Internal     ErrorKind = "internal"     // a fault of ours
)

// Error is the one error type of the product.
//
// Message is safe to show to people and to record: it never holds a secret, a token or a
// vendor's raw reply. The cause may, and is for errors.Is and debugging only.
type Error struct {
	Kind       ErrorKind
	Message    string        // what failed, why, what to do
	Field      string        // the field at fault, where Kind is Invalid and one is
	RetryAfter time.Duration // how long the vendor asked us to wait; zero when it did not say
	ByHand     []string      // what a person does in its place, one thing at a time, such as the commands to run; none when Message says it all
	cause      error
}

// longestMessage is where a message is cut, in bytes: it quotes what came from outside, and has to fit into the entry that
// tells of it.
const longestMessage = 4 << 10

// Errorf makes an error of a kind. A final %w keeps the cause without putting it in the message
// that people read: use it as Errorf(...).Because(err) instead when the cause may hold a secret.
func Errorf(kind ErrorKind, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: shorten(wrapped.Error(), longestMessage), cause: errors.Unwrap(wrapped)}
}

// shorten cuts a text to so many bytes, at the end of a character.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Because attaches a cause that is kept out of the message.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns the error with the wait that the vendor asked for.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// In returns the error with the field at fault.
func (e *Error) In(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Instead returns the error with what a person does in place of what failed.
func (e *Error) Instead(items ...string) *Error {
	c := *e
	c.ByHand = items
	return &c
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of err, Internal for an error that has none, and "" for nil.
func KindOf(err error) ErrorKind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// RetryAfterOf is how long a vendor asked us to wait with an error; zero when it did not say.
func RetryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// MessageOf returns what people may read of err. An error that is not ours shows no detail, since
// nobody has vouched that it holds no secret.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return "an internal fault; see the server's log"
}
