package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/ledger/publish"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/exeunt/exeunt/internal/notify"
	"github.com/exeunt/exeunt/internal/stamp"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/wrap"
)

// one is the only right of a part, which was tried.
func one(name, remedy string, err error) ([]connector.Right, error) {
	r, err := connector.Tried(name, remedy, err)
	if err != nil {
		return nil, err
	}
	return []connector.Right{r}, nil
}

// house is what the server itself stands on: its data, its database and its mail server.
func (d Doctor) house() []examination {
	var all []examination
	if d.Data != "" {
		all = append(all, examination{Part{Kind: "data", Name: d.Data}, func(context.Context) ([]connector.Right, error) {
			return one("write", "make the directory, give it to the server's user, and see that the disk is not full", writes(d.Data))
		}})
	}
	if d.Database != "" {
		all = append(all, examination{Part{Kind: "database", Name: "postgresql"}, d.database})
	}
	if m := d.Config.Mail; m != nil {
		all = append(all, examination{Part{Kind: "mail", Name: m.Host}, mailRights(*m)})
	}
	return all
}

// writes tries to write a file into our own directory, which is taken away again: free space and a file system that was
// mounted read-only show in no permission.
func writes(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return exeunt.Errorf(exeunt.Denied, "the data directory cannot be written to by this user").Because(err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString("exeunt doctor\n")
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return exeunt.Errorf(exeunt.Denied, "the data directory takes no data").Because(err)
	}
	return nil
}

func (d Doctor) database(ctx context.Context) ([]connector.Right, error) {
	found, err := store.ExamineDatabase(ctx, d.Database)
	if err != nil {
		return nil, err
	}
	rights := []connector.Right{{Name: "sign in", State: connector.Granted}}
	for _, r := range []struct {
		name, why, remedy string
		lacks             bool
	}{
		{"PostgreSQL 14 or later", fmt.Sprintf("the server is version %d", found.Version/10000), "use a later server", found.Outdated()},
		{"write", "the server is a standby, which is read-only", "name the primary in --database", found.ReadOnly},
		{"create tables", "the role " + found.User + " may create none in its schema", "make it the owner of the database, or GRANT CREATE ON SCHEMA public to it", !found.MayCreate},
	} {
		right := connector.Right{Name: r.name, State: connector.Granted}
		if r.lacks {
			right.State, right.Why, right.Remedy = connector.Lacking, r.why, r.remedy
		}
		rights = append(rights, right)
	}
	return rights, nil
}

func mailRights(m config.Mail) func(context.Context) ([]connector.Right, error) {
	return func(ctx context.Context) ([]connector.Right, error) {
		rights, err := one("sign in", "correct mail in exeunt.yaml", notify.NewMail(mailServer(m), notify.Links{}).Examine(ctx))
		if err != nil || rights[0].State != connector.Granted {
			return rights, err
		}
		return append(rights, connector.Right{Name: "send as " + m.From, State: connector.Unknown, Why: "only a message shows whether the server takes our sender",
			Remedy: "remind somebody of a task of your own once"}), nil
	}
}

// record is what the proof stands on: the ledger, who cosigns it, who stamps it and where it is published.
func (d Doctor) record() []examination {
	c := d.Config.Ledger
	var all []examination
	if c.Address != "" {
		all = append(all, examination{Part{Kind: "ledger", Name: c.Address}, func(ctx context.Context) ([]connector.Right, error) {
			client, err := remote.NewClient(c.Origin, remote.Target{Address: c.Address, Authority: c.Authority, Certificate: c.Certificate, Key: c.Key.Reveal})
			if err != nil {
				return nil, err
			}
			defer func() { _ = client.Close() }()
			_, err = client.VerifierKey(ctx)
			return one("read the head of "+c.Origin, "start exeunt ledger serve with this user allowed and this origin", err)
		}})
	}
	for name, address := range witnessed(c.Witnesses) {
		all = append(all, examination{Part{Kind: "witness", Name: name, Tier: 3}, answers(address)})
	}
	if t := c.TimeStamp; t != nil {
		all = append(all, examination{Part{Kind: "timestamp", Name: t.URL, Tier: 3}, func(ctx context.Context) ([]connector.Right, error) {
			_, _, err := stamp.Authority{URL: t.URL, Roots: t.Roots}.Ask(ctx, []byte(rand.Text()))
			return one("stamp, under the configured authority", "correct ledger.timestamp in exeunt.yaml", err)
		}})
	}
	for _, t := range c.Publish.Targets {
		all = append(all, examination{Part{Kind: "publication", Name: t.Name, Tier: 3}, published(t, c.Origin)})
	}
	return all
}

// witnessed are the addresses of the witnesses of a policy, by name (transparency-dev/tessera, witness policy format).
func witnessed(policy string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(policy) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) == 4 && words[0] == "witness" {
			all[words[1]] = words[3]
		}
	}
	return all
}

// answers asks a witness for anything: it knows one request only, which would have it cosign
// (https://c2sp.org/tlog-witness), so that any answer will do.
func answers(address string) func(context.Context) ([]connector.Right, error) {
	return func(ctx context.Context) ([]connector.Right, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "the address of the witness cannot be used").Because(err)
		}
		answer, err := wrap.HTTP(http.DefaultTransport).RoundTrip(r)
		if err != nil {
			return nil, connector.Network("the witness", err)
		}
		_ = answer.Body.Close()
		return []connector.Right{{Name: "answer", State: connector.Granted},
			{Name: "cosign", State: connector.Unknown, Why: "only a checkpoint shows whether it knows our log", Remedy: "see /audit/checks once the server runs"}}, nil
	}
}

// published looks into a place where checkpoints are published, or signs in to the mail server by which they are sent.
func published(t config.Target, origin string) func(context.Context) ([]connector.Right, error) {
	if t.Mailbox != nil {
		return mailRights(t.Mailbox.Server)
	}
	return func(ctx context.Context) ([]connector.Right, error) {
		place, readable := placeOf(t).(publish.Readable)
		if !readable {
			return nil, nil
		}
		_, err := place.AtLeast(ctx, origin, 0)
		rights, err := one("look into "+place.Where(), "see that it is there and that we may list and read it", err)
		if err != nil || rights[0].State != connector.Granted {
			return rights, err
		}
		return append(rights, connector.Right{Name: "add, and lock", State: connector.Unknown, Why: "only publishing shows it, and what is published there stays", Remedy: "see /audit/checks once the server runs"}), nil
	}
}
