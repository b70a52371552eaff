package ui

import (
	"net/http"
	"testing"

	"github.com/exeunt/exeunt"
)

// TestTheSetUpListSaysWhatStopsIt holds that the first open line stands open, with what to do and which systems are meant.
func TestTheSetUpListSaysWhatStopsIt(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		w.overview.Cases = 0
		w.systems = w.systems[:3]
		w.systems[0].Stage, w.systems[1].Stage, w.systems[2].Owner = exeunt.Shadow, exeunt.Shadow, exeunt.Person{}
		says(t, send(h, "admin", "/", nil), 200, "Payroll is tracked by hand until then", "2 of 3 systems have an owner", "1 system is live; 3 are enough to begin. First: Connect payroll",
			"Without them its owner gets a task in each departure", `<a href="/systems/snowflake">Snowflake</a>`, `<a href="/systems/entra-id">Entra ID</a>`)
		says(t, send(h, "payroll", "/", nil), 200, "Set up", "not:/systems/entra-id")
		w.systems = nil
		says(t, send(h, "admin", "/", nil), 200, "The inventory is empty", "0 of 0 systems have an owner", "0 systems are live; 3 are enough to begin. First: Import systems")
	})
}

// TestTheSetUpListInABrowser opens the list as a fresh installation has it.
func TestTheSetUpListInABrowser(t *testing.T) {
	b := openTab(t, "admin", func(w *world) {
		w.overview.Cases = 0
		w.systems = w.systems[:3]
		w.systems[0].Stage = exeunt.Shadow
	})
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 390} {
			b.cookie("theme", theme)
			b.size(width)
			b.visit("/")
			if n := eval[int](b, `document.querySelectorAll('.setup details[open]').length`); n != 1 {
				t.Errorf("%d lines are open", n)
			}
			b.checkPage(width)
			b.shoot("setup-" + theme + "-" + map[int64]string{1440: "wide", 390: "phone"}[width])
		}
	}
}
