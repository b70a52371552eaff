// Package notify tells people: it writes the words of a notice, signs the link by which somebody
// without an account does one task, and sends mail.
//
// A message says what, whose and by when. It never says how or why somebody leaves.
package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Links signs and opens one-time task links: for one task, one person, until a moment. Nothing is
// stored; a link also ends when the task does, or when it is handed to somebody else.
type Links struct {
	key  []byte
	base string        // public address of the server, without a slash at the end
	life time.Duration // how long a link outlives its task's deadline
}

// NewLinks makes links under a public base address, signed with a key that stays the same.
func NewLinks(key []byte, base string, life time.Duration) Links {
	return Links{key, strings.TrimRight(base, "/"), life}
}

// For is the link of a task's owner. It is the same each time that the task is told of.
func (l Links) For(t exeunt.Task) Link {
	from := t.Deadline
	if t.OpenedAt.After(from) {
		from = t.OpenedAt
	}
	return Link{Task: t.ID, Owner: t.Owner.Email, Until: from.Add(l.life).Truncate(time.Second).UTC()}
}

// Link is what a token opens.
type Link struct {
	Task  exeunt.TaskID
	Owner string // e-mail address that it was sent to
	Until time.Time
}

// URL is the address of the one-time page.
func (l Links) URL(link Link) string { return l.base + "/t/" + l.sign(link) }

// Page is an address of the server for those who sign in.
func (l Links) Page(path string) string { return l.base + path }

func (l Links) sign(link Link) string {
	payload := binary.AppendVarint(nil, int64(link.Task))
	payload = binary.AppendVarint(payload, link.Until.Unix())
	payload = append(payload, link.Owner...)
	encode := base64.RawURLEncoding.EncodeToString
	return encode(payload) + "." + encode(l.mac(payload))
}

func (l Links) mac(payload []byte) []byte {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte("exeunt one-time task link v1\n"))
	m.Write(payload)
	return m.Sum(nil)
}

// Open checks a token. Whatever is wrong with it is answered the same, NotFound.
func (l Links) Open(token string, now time.Time) (Link, error) {
	refused := exeunt.Errorf(exeunt.NotFound, "this link is not valid or has ended: ask whoever sent it for a new one")
	payloadText, macText, ok := strings.Cut(token, ".")
	if !ok {
		return Link{}, refused
	}
	payload, err := base64.RawURLEncoding.DecodeString(payloadText)
	if err != nil {
		return Link{}, refused
	}
	mac, err := base64.RawURLEncoding.DecodeString(macText)
	if err != nil || !hmac.Equal(mac, l.mac(payload)) {
		return Link{}, refused
	}
	task, n := binary.Varint(payload)
	if n <= 0 {
		return Link{}, refused
	}
	until, m := binary.Varint(payload[n:])
	if m <= 0 || now.Unix() > until {
		return Link{}, refused
	}
	return Link{Task: exeunt.TaskID(task), Owner: string(payload[n+m:]), Until: time.Unix(until, 0).UTC()}, nil
}
