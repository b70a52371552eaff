package store

import (
	"testing"

	"github.com/exeunt/exeunt"
)

// TestAViewReadsThroughItsTablesOnly holds that a read which forgets the condition does not answer at all.
func TestAViewReadsThroughItsTablesOnly(t *testing.T) {
	for query, allowed := range map[string]bool{
		"SELECT COUNT(*) FROM visible_cases c WHERE c.id IN (SELECT case_id FROM visible_steps)": true,
		"SELECT x FROM (SELECT system AS x FROM visible_tasks) w":                                true,
		"SELECT COUNT(*) FROM cases": false,
		"SELECT COUNT(*) FROM visible_cases c JOIN tasks t ON t.case_id = c.id":           false,
		"SELECT COUNT(*) FROM visible_cases, outbox":                                      false,
		"SELECT COUNT(*)\n\tfrom\n\tSteps":                                                false,
		"SELECT name FROM settings":                                                       false,
		"SELECT COUNT(*) FROM visible_waves w JOIN visible_members m ON m.wave_id = w.id": true,
		"SELECT COUNT(*) FROM wave_members":                                               false,
		"SELECT COUNT(*) FROM visible_cases, waves":                                       false,
		"SELECT 1 FROM visible_leaks":                                                     false,
	} {
		for range 2 { // the second time from what was kept
			if err := checkQuery(query); (err == nil) != allowed || err != nil && exeunt.KindOf(err) != exeunt.Internal {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
}
