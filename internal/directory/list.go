package directory

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// listIdle is how long a list waits for somebody to turn its page before its connection is closed.
const listIdle = 2 * time.Minute

// Lists are the lists of a directory that are being read. A server knows where a list goes on only on the connection on
// which it began (RFC 2696 §3), so that is kept between pages; whoever comes later begins again.
type Lists struct {
	mu   sync.Mutex
	open map[string]*listing
}

type listing struct {
	conn   *ldap.Conn
	cookie []byte
	end    func()
	idle   *time.Timer
}

// Page reads one page of the entries below base that the filter matches.
func (l *Lists) Page(ctx context.Context, s Settings, cursor, filter string, attributes []string) (entries []*ldap.Entry, next string, err error) {
	on := l.take(cursor)
	if cursor != "" && on == nil {
		return nil, "", connector.ErrForgotten("the directory")
	}
	ctx, cancel := context.WithTimeout(ctx, perCall)
	defer cancel()
	if on == nil {
		if on, err = s.begin(ctx); err != nil {
			return nil, "", err
		}
	}
	release := context.AfterFunc(ctx, on.end)
	entries, err = on.turn(s.BaseDN, filter, attributes)
	if !release() || err != nil || len(on.cookie) == 0 {
		on.end()
		if err != nil && ctx.Err() != nil {
			err = connector.Network("the directory", ctx.Err())
		}
		return entries, "", Error(err)
	}
	return entries, l.keep(on), nil
}

// take takes a list out; nil when nobody knows it.
func (l *Lists) take(cursor string) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	on := l.open[cursor]
	if on != nil {
		on.idle.Stop()
		delete(l.open, cursor)
	}
	return on
}

// keep keeps a list until somebody asks for its next page.
func (l *Lists) keep(on *listing) string {
	cursor := rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[string]*listing{}
	}
	l.open[cursor] = on
	on.idle = time.AfterFunc(listIdle, func() {
		if l.take(cursor) != nil {
			on.end()
		}
	})
	return cursor
}

// begin signs in on a connection that outlives the call.
func (s Settings) begin(ctx context.Context) (*listing, error) {
	password, err := s.BindPassword.Reveal()
	if err != nil {
		return nil, err
	}
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, end)
	c, stop, err := s.dial(alive)
	if err != nil {
		end()
		return nil, unreachable(ctx, err)
	}
	on := &listing{conn: c, end: sync.OnceFunc(func() { stop(); end() })}
	if err := c.Bind(s.BindDN, password); err != nil {
		on.end()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, Error(err)
	}
	release()
	return on, nil
}

// turn reads the next page.
func (on *listing) turn(base, filter string, attributes []string) ([]*ldap.Entry, error) {
	paging := ldap.NewControlPaging(pageSize)
	paging.SetCookie(on.cookie)
	result, err := on.conn.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		0, int(perCall.Seconds()), false, filter, attributes, []ldap.Control{paging}))
	if Is(err, ldap.LDAPResultNoSuchObject) {
		return nil, exeunt.Errorf(exeunt.Invalid, "the directory has no %s, or hides it from us: check base_dn", base).Because(err)
	}
	if err != nil {
		return nil, err
	}
	on.cookie = nil
	if answer, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
		on.cookie = answer.Cookie
	}
	return result.Entries, nil
}
