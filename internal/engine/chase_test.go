package engine_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/engine"
)

// post is a mail server that takes its time, or refuses one address.
type post struct {
	*company
	takes   time.Duration
	refuses string
	failed  int
}

func (p *post) Deliver(ctx context.Context, n exeunt.Notice, c exeunt.Case, t *exeunt.Task) error {
	<-time.After(p.takes)
	if n.To.Email == p.refuses {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.failed++
		return exeunt.Errorf(exeunt.Invalid, "there is no such mailbox")
	}
	return p.company.Deliver(ctx, n, c, t)
}

// mailBy restarts the engine with another mail server.
func (c *company) mailBy(p *post) {
	c.t.Helper()
	c.stop()
	e := engine.New(engine.Config{Store: c.store, Systems: c, Planner: c, Intake: c, Messenger: p, Log: slog.New(slog.DiscardHandler), Node: "one", Poll: 24 * time.Hour})
	if err := e.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.engine = e
}

// toldOf counts the messages of a kind that mention something.
func (c *company) toldOf(kind exeunt.NoticeKind, about string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, told := range c.told {
		if told.Kind == kind && strings.Contains(told.Text, about) {
			n++
		}
	}
	return n
}

func TestASlowMailServerSendsEachMessageOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.mailBy(&post{company: c, takes: 50 * time.Second})
		d := leaving()
		d.Leaver.Name = "" // refused: one alert, so that a worker is free for a second job of it
		c.hear("1", exeunt.Announced, d)
		pass(4 * time.Minute)
		seen := map[string]int{}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, n := range c.told {
			seen[n.To.Email+" "+n.Task+" "+n.Dedup]++
		}
		if len(seen) == 0 {
			t.Error("nobody was told of anything")
		}
		for what, times := range seen {
			if times != 1 {
				t.Errorf("%s was sent %d times", what, times)
			}
		}
	})
}

func TestTheOperatorIsToldOfAnAddressThatDoesNotWork(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		p := &post{company: c, refuses: "ana.silva@northwind.example"}
		c.mailBy(p)
		c.payroll.Hire(leaving().Leaver)
		c.hear("1", exeunt.Announced, leaving())
		pass(20 * time.Minute)
		c.hasEntry(exeunt.EntryNoticeFailed)
		c.wasTold(exeunt.NoticeAlert, "ops@x.example")
		if n := c.toldOf(exeunt.NoticeAlert, "ana.silva@northwind.example"); n == 0 {
			t.Errorf("the alert does not say whom no message reaches: %+v", c.told)
		}
	})
}

func TestAnAlertThatDoesNotArriveRaisesNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		p := &post{company: c, refuses: "ops@x.example"}
		c.mailBy(p)
		d := leaving()
		d.Leaver.Name = "" // refused, of which the operator is told
		c.hear("1", exeunt.Announced, d)
		pass(20 * time.Minute)
		c.hasEntry(exeunt.EntryNoticeFailed)
		c.mailBy(&post{company: c})
		pass(time.Minute)
		if n := c.toldOf(exeunt.NoticeAlert, "does not arrive"); n != 0 {
			t.Errorf("%d alerts about an alert", n)
		}
	})
}

// The record of a closed case is sealed; that its owner hears nothing is said all the same.
func TestTheOperatorIsToldOfAMessageAboutAClosedCaseThatDoesNotArrive(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		c.departed()
		before := len(c.only().Entries)
		c.mailBy(&post{company: c, refuses: "ana.silva@northwind.example"})
		found, err := connectortest.Search(t.Context(), c.payroll.Kind("payroll"), nil, c.payroll, leaving().Leaver)
		if err != nil || len(found) != 1 {
			t.Fatal(err)
		}
		c.payroll.Reopen(found[0].ID, exeunt.EndEmployment) // which is for people to decide
		pass(26 * time.Hour)
		c.hasEntry(exeunt.EntryNoticeFailed)
		if c.toldOf(exeunt.NoticeAlert, "does not arrive") != 1 || len(c.only().Entries) != before {
			t.Errorf("the operator is told %d times; %d entries in the sealed record, before %d", c.toldOf(exeunt.NoticeAlert, "does not arrive"), len(c.only().Entries), before)
		}
	})
}
