package engine_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestACaseKeepsItsPoliciesUntilAPersonPlansItAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, c *company) {
		use := func(version string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.policySet = version
		}
		by := func(want string) {
			t.Helper()
			if got := c.only().Case.PolicySet; got != want {
				t.Fatalf("the case is planned by the policies %q, want %q", got, want)
			}
		}
		use("first")
		d := soon()
		c.directory.Hire(d.Leaver)
		c.payroll.Hire(d.Leaver)
		c.hear("1", exeunt.Announced, d)
		pass(5 * time.Second)
		by("first")

		use("second")
		d.Leaver.Title = "Head of something"
		d.Leaver.Flags = []exeunt.Flag{exeunt.Privileged}
		c.hear("2", exeunt.Announced, d)
		pass(5 * time.Second)
		c.hasEntry(exeunt.EntryAmended)
		by("first")

		commands := c.engine.As(exeunt.Viewer{})
		preview, err := commands.PreviewReplan(t.Context(), 1)
		if err != nil || preview.PolicySet != "first" || preview.NewPolicySet != "second" {
			t.Fatalf("the difference is said as %+v, %v", preview, err)
		}
		by("first")
		if err := commands.ReplanCase(t.Context(), 1, "third", ana); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("policies that nobody looked at are taken: %v", err)
		}
		if err := commands.ReplanCase(t.Context(), 1, "second", exeunt.Override{By: "Ana"}); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("it is planned anew without a reason: %v", err)
		}
		by("first")
		if err := commands.ReplanCase(t.Context(), 1, "second", ana); err != nil {
			t.Fatal(err)
		}
		by("second")
		c.hasEntry(exeunt.EntryReplanned)
	})
}
