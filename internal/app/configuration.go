package app

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// recordConfiguration puts into the ledger which configuration is served, when it is another one than before: the
// digest of each file, and which were added, changed and removed. What the files say stays out of it.
func (a *App) recordConfiguration(ctx context.Context) error {
	now, err := json.Marshal(a.Config.Files) // keys are sorted
	if err != nil {
		return err
	}
	return a.Store.Replace(ctx, "configuration", string(now), func(before string) exeunt.Change {
		was := map[string]string{}
		_ = json.Unmarshal([]byte(before), &was) // "" before the first
		access := exeunt.Access{Kind: exeunt.EntryConfigured, From: exeunt.FromServer, What: "configuration loaded for the first time", Detail: configurationChanged(was, a.Config.Files)}
		if before != "" {
			access.What = "configuration changed"
		}
		access.Detail["version"] = a.Config.Version
		return exeunt.Accessed(time.Now(), access)
	})
}

// configurationChanged says how two configurations differ, by the names and digests of their files.
func configurationChanged(before, after map[string]string) map[string]string {
	var added, changed, removed []string
	detail := map[string]string{}
	for name, digest := range after {
		switch was, known := before[name]; {
		case !known:
			added = append(added, name)
		case was != digest:
			changed = append(changed, name)
		default:
			continue
		}
		detail["sha256 "+name] = digest
	}
	for name := range before {
		if _, stays := after[name]; !stays {
			removed = append(removed, name)
		}
	}
	for key, names := range map[string][]string{"added": added, "changed": changed, "removed": removed} {
		if len(names) > 0 {
			slices.Sort(names)
			detail[key] = strings.Join(names, ", ")
		}
	}
	return detail
}
