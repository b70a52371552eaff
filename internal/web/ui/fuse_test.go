package ui

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSomeHeldCasesAreChosenInABrowser walks the release of two of three held cases, script off, by two people.
func TestSomeHeldCasesAreChosenInABrowser(t *testing.T) {
	b := openTab(t, "hr", moreCases, decisions)
	b.script(false)
	b.size(390)
	b.visit("/fuse/F-1")
	for _, id := range []string{"C-2062", "C-2064"} {
		b.do(chromedp.Click(chromedp.CSS("input[value=" + id + "]")))
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#release textarea"), "these two are right"), chromedp.Click(chromedp.CSS("#release button")))
	b.do(chromedp.WaitVisible(chromedp.CSS(".told")))
	b.cookie("exeunt", "legal")
	b.visit("/fuse/F-1")
	b.do(chromedp.SendKeys(chromedp.CSS("#confirm textarea"), "agreed with the board"), chromedp.Click(chromedp.CSS("#confirm button")))
	b.do(chromedp.WaitVisible(chromedp.CSS(".told")))
	if got := b.world.trips[0].LetGo; len(got) != 2 || got[0] != 2062 || got[1] != 2064 {
		t.Errorf("released alone: %v", got)
	}
	b.do(chromedp.WaitVisible(chromedp.CSS("a[href='/cases/C-2063']")), chromedp.WaitNotPresent(chromedp.CSS("a[href='/cases/C-2062']")))
	b.shoot("fuse-released-alone")
}
