package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
)

// recordConfiguration puts into the ledger which configuration is served, when it is another one than before: who asked for
// it, the digest of each file, which were added, changed and removed, and what of the configuration that concerns. What the
// files say stays out of it. Servers of one database record it once.
func (a *App) recordConfiguration(ctx context.Context, before, after *config.Config, by Asker) error {
	now, err := json.Marshal(after.Files) // keys are sorted
	if err != nil {
		return err
	}
	return a.Store.Replace(ctx, "configuration", string(now), func(known string) exeunt.Change {
		was := map[string]string{}
		_ = json.Unmarshal([]byte(known), &was) // "" before the first
		access := exeunt.Access{Kind: exeunt.EntryConfigured, Who: by.Who, From: by.From, What: "configuration loaded for the first time", Detail: configurationChanged(was, after.Files)}
		if known != "" {
			access.What = "configuration changed"
		}
		access.Detail["version"], access.Detail["how"] = after.Version, by.How
		if before != nil {
			access.Detail["version before"] = before.Version
			for _, d := range config.Compare(before, after) {
				access.Detail[d.Change+" "+d.Noun] = strings.Trim(access.Detail[d.Change+" "+d.Noun]+", "+d.Name, ", ")
			}
		}
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

// elsewhere says that other servers serve other configurations than this one; "" when all serve the same. How many serve
// each is counted by version; this server may not have said yet what it serves now.
func elsewhere(versions map[string]int, here string) string {
	var others []string
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		if version != here && version != "" {
			others = append(others, fmt.Sprintf("%d with %s", versions[version], version))
		}
	}
	total := 0
	for _, n := range versions {
		total += n
	}
	if len(others) == 0 || total < 2 {
		return ""
	}
	return fmt.Sprintf("Servers of this database serve different configurations: this one %s, others: %s. Bring the same folder and environment to all of them; each reads its own.", here, strings.Join(others, ", "))
}
