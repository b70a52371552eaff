package app

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/notify"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/ui"
	"golang.org/x/time/rate"
)

// Accounts are the people and tokens that may come in.
type Accounts struct {
	store    *store.Store
	lifetime func() time.Duration // of a session
	tries    tries                // at signing in
	accesses *accesses
}

// sessionLifetime is how long a sign-in lasts where nobody says otherwise.
const sessionLifetime = 12 * time.Hour

// NewAccounts makes accounts over a store.
func NewAccounts(s *store.Store, lifetime func() time.Duration) *Accounts {
	if lifetime == nil {
		lifetime = func() time.Duration { return sessionLifetime }
	}
	return &Accounts{store: s, lifetime: lifetime, tries: newTries(), accesses: newAccesses(s)}
}

// tries bounds guesses: ten for each address, then one in twenty seconds, and fifty a second in all.
type tries struct {
	mu    sync.Mutex
	limit map[string]*rate.Limiter
	all   *rate.Limiter
}

func newTries() tries {
	return tries{limit: map[string]*rate.Limiter{}, all: rate.NewLimiter(50, 200)}
}

// manyTries is when addresses that nobody tries any more are forgotten.
const manyTries = 10_000

func (t *tries) allow(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.limit[key]
	if !ok {
		if len(t.limit) >= manyTries {
			maps.DeleteFunc(t.limit, func(_ string, l *rate.Limiter) bool { return l.Tokens() >= triesAtOnce })
		}
		if len(t.limit) >= manyTries { // an attack on many at once; those that are known stay slowed down
			return false
		}
		l = rate.NewLimiter(rate.Every(20*time.Second), triesAtOnce)
		t.limit[key] = l
	}
	return t.all.Allow() && l.Allow()
}

const triesAtOnce = 10

var tooMany = exeunt.Errorf(exeunt.Throttled, "too many attempts: wait a minute and try again").After(time.Minute)

// SignIn checks a password and begins a session.
func (a *Accounts) SignIn(ctx context.Context, email, password string) (string, store.User, error) {
	if !a.tries.allow(strings.ToLower(email)) {
		if err := a.refused(ctx, email, "sign-in refused, too many tries"); err != nil {
			return "", store.User{}, err
		}
		return "", store.User{}, tooMany
	}
	u, err := a.store.SignIn(ctx, email, password)
	if exeunt.KindOf(err) == exeunt.Unauthorised {
		if err := a.refused(ctx, email, "sign-in refused"); err != nil {
			return "", u, err
		}
		return "", u, exeunt.Errorf(exeunt.Denied, "%s", exeunt.MessageOf(err))
	}
	if err != nil {
		return "", u, err
	}
	session, err := a.session(ctx, u)
	return session, u, err
}

func (a *Accounts) session(ctx context.Context, u store.User) (string, error) {
	now := time.Now()
	change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntrySignedIn, Who: u.Email, What: "signed in"})
	return a.store.Grant(ctx, u, store.CredentialSession, "", now, now.Add(a.lifetime()), &change)
}

// refused counts a refusal. What was typed for somebody who does not exist is not kept: it may be a password.
func (a *Accounts) refused(ctx context.Context, email, what string) error {
	u, err := a.store.UserByEmail(ctx, email)
	if exeunt.KindOf(err) == exeunt.NotFound {
		u.Email, what, err = "somebody unknown", what+": no such address", nil
	}
	if err != nil {
		return err
	}
	return a.accesses.count(ctx, exeunt.Access{Kind: exeunt.EntrySignInRefused, Who: u.Email, What: what})
}

// Invitation is whom a one-time link invites.
func (a *Accounts) Invitation(ctx context.Context, token string) (store.User, error) {
	u, err := a.store.Bearer(ctx, token, store.CredentialInvitation, time.Now())
	return u, invitationError(err)
}

// Redeem uses an invitation up.
func (a *Accounts) Redeem(ctx context.Context, token, name, password string) (string, error) {
	now := time.Now()
	invited, err := a.store.Bearer(ctx, token, store.CredentialInvitation, now)
	if err != nil {
		return "", invitationError(err)
	}
	change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntryAccount, Who: invited.Email, What: "password chosen: " + invited.Email})
	u, err := a.store.Redeem(ctx, token, name, password, now, &change)
	if err != nil {
		return "", invitationError(err)
	}
	return a.session(ctx, u)
}

func invitationError(err error) error {
	if exeunt.KindOf(err) == exeunt.Unauthorised {
		return exeunt.Errorf(exeunt.NotFound, "this invitation is not valid or was used already: sign in, or make a new one with `exeunt token invite`")
	}
	return err
}

// Session is whose session it is.
func (a *Accounts) Session(ctx context.Context, session string) (store.User, error) {
	return a.store.Bearer(ctx, session, store.CredentialSession, time.Now())
}

// SignOut ends a session.
func (a *Accounts) SignOut(ctx context.Context, session string) error {
	u, err := a.Session(ctx, session)
	if err == nil {
		change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntrySignedOut, Who: u.Email, What: "signed out"})
		err = a.store.Revoke(ctx, session, &change)
	}
	if kind := exeunt.KindOf(err); kind == exeunt.Unauthorised || kind == exeunt.Conflict {
		return nil // it had ended
	}
	return err
}

// Token is whose API token it is.
func (a *Accounts) Token(ctx context.Context, token string) (store.User, error) {
	now := time.Now()
	c, err := a.store.Credential(ctx, token, store.CredentialToken, now)
	if exeunt.KindOf(err) == exeunt.Unauthorised {
		if err := a.accesses.count(ctx, exeunt.Access{Kind: exeunt.EntrySignInRefused, Who: "somebody unknown", What: "API token refused"}); err != nil {
			return store.User{}, err
		}
	}
	if err != nil || !c.UsedAt.IsZero() {
		return c.User, err
	}
	change := a.accesses.change(ctx, exeunt.Access{Kind: exeunt.EntryTokenUsed, Who: c.User.Email, What: "API token used for the first time: " + c.Label, Detail: map[string]string{"token": c.ID}})
	if err := a.store.FirstUse(ctx, token, now, &change); err != nil && exeunt.KindOf(err) != exeunt.Conflict {
		return store.User{}, err
	}
	return c.User, nil
}

// taskLinks open tasks for people without an account.
type taskLinks struct {
	notify.Links
	reads func(exeunt.Viewer) reads
}

// Open reads a one-time link. It changes nothing.
func (l taskLinks) Open(ctx context.Context, token string) (ui.Link, error) {
	link, err := l.Links.Open(token, time.Now())
	if err != nil {
		return ui.Link{}, err
	}
	gone := exeunt.Errorf(exeunt.NotFound, "this link is not valid or has ended: ask whoever sent it for a new one")
	see := l.reads(exeunt.Viewer{Email: link.Owner})
	t, err := see.Task(ctx, link.Task)
	if err != nil || !strings.EqualFold(t.Owner.Email, link.Owner) {
		if exeunt.KindOf(err) == exeunt.Temporary || errors.Is(err, context.Canceled) {
			return ui.Link{}, err
		}
		return ui.Link{}, gone
	}
	c, err := see.view.Case(ctx, t.Case)
	return ui.Link{Task: t, AskedBy: c.Owner, Expires: link.Until}, err
}
