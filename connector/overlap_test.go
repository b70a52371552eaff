package connector_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// changing is a list that others change between the pages.
type changing struct {
	ids    []string
	random *rand.Rand
	made   int
}

func (l *changing) page(at, size int) (ids []string, more bool) {
	if at >= len(l.ids) {
		return nil, false
	}
	end := min(at+size, len(l.ids))
	return slices.Clone(l.ids[at:end]), end < len(l.ids)
}

// change removes some and adds some, anywhere.
func (l *changing) change(most int) {
	for range l.random.IntN(most + 1) {
		if i := l.random.IntN(len(l.ids) + 1); l.random.IntN(3) == 0 || len(l.ids) < 3 {
			l.made++
			l.ids = slices.Insert(l.ids, i, fmt.Sprint("new-", l.made))
		} else if i < len(l.ids) {
			l.ids = slices.Delete(l.ids, i, i+1)
		}
	}
}

// read reads the list as a reconciliation does, and returns what it saw since it began last, and what was there all that time.
func (l *changing) read(t *testing.T, size, most int) (seen map[string]int, throughout []string) {
	t.Helper()
	for range 100 {
		seen, throughout = map[string]int{}, slices.Clone(l.ids)
		cursor := ""
		for {
			o, err := connector.OverlapOf("the list", cursor)
			if err != nil {
				t.Fatal(err)
			}
			ids, more := l.page(o.At, size)
			fresh, next, err := o.Take("the list", ids, more)
			if err != nil {
				if exeunt.KindOf(err) != exeunt.Conflict {
					t.Fatal(err)
				}
				break
			}
			for _, id := range ids[fresh:] {
				seen[id]++
			}
			if next == nil {
				return seen, throughout
			}
			cursor = next.Cursor()
			l.change(most)
			throughout = slices.DeleteFunc(throughout, func(id string) bool { return !slices.Contains(l.ids, id) })
		}
	}
	t.Fatal("the list is begun again and again")
	return nil, nil
}

// Whoever is there throughout is listed, whatever comes and goes meanwhile.
func TestNobodyIsLostOverTheEdgeOfAPage(t *testing.T) {
	for seed := range uint64(2000) {
		l := &changing{random: rand.New(rand.NewPCG(seed, 1))}
		for i := range l.random.IntN(60) {
			l.ids = append(l.ids, fmt.Sprint(i))
		}
		size := 2 + l.random.IntN(9)
		seen, throughout := l.read(t, size, size-1)
		for _, id := range throughout {
			if seen[id] == 0 {
				t.Fatalf("seed %d: %s was there throughout, and is not among %v", seed, id, seen)
			}
		}
	}
}

// What nobody changes is read once, a page after the other, also one at a time.
func TestAListAtRestIsReadOnce(t *testing.T) {
	for size := 1; size <= 12; size++ {
		l := &changing{random: rand.New(rand.NewPCG(1, 1))}
		for i := range 11 {
			l.ids = append(l.ids, fmt.Sprint(i))
		}
		seen, _ := l.read(t, size, 0)
		for _, id := range l.ids {
			if seen[id] != 1 {
				t.Errorf("pages of %d: %s is seen %d times", size, id, seen[id])
			}
		}
	}
}

func TestACursorOfNobodyIsForgotten(t *testing.T) {
	for _, cursor := range []string{"no such cursor", `{"at":-1}`, `{"before":-1}`, `[]`} {
		if _, err := connector.OverlapOf("the list", cursor); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s: %v", cursor, err)
		}
	}
}
