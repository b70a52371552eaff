package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// folderDepth is how deep the configuration folder is looked into.
const folderDepth = 3

// state writes down what shows that a file below a folder may have changed: its name, size and time. Links are followed,
// since an orchestrator may exchange a whole folder by one.
func state(w io.Writer, folder string, depth int) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		_, _ = fmt.Fprintln(w, folder, "cannot be read")
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(folder, e.Name())
		info, err := os.Stat(path)
		switch {
		case err != nil:
			_, _ = fmt.Fprintln(w, path, "cannot be read")
		case info.IsDir() && depth > 1:
			state(w, path, depth-1)
		case !info.IsDir():
			_, _ = fmt.Fprintln(w, path, info.Size(), info.ModTime().UnixNano())
		}
	}
}

// folderWatch notices that a folder has changed and rests again.
type folderWatch struct{ folder, taken, last string }

// changed says whether the folder is another one than when it was last said to have changed, and as it was at the look
// before: whoever writes several files, or has git do it, is let finish.
func (f *folderWatch) changed() bool {
	var now strings.Builder
	state(&now, f.folder, folderDepth)
	rests := now.String() == f.last
	f.last = now.String()
	if !rests || f.last == f.taken {
		return false
	}
	f.taken = f.last
	return true
}

// keepWatchingFolder reads the configuration again when its folder has changed.
func (a *App) keepWatchingFolder(ctx context.Context) {
	if a.options.Watch <= 0 {
		return
	}
	watch := folderWatch{folder: a.options.ConfigDir}
	tick := time.NewTicker(a.options.Watch)
	defer tick.Stop()
	for {
		if watch.changed() { // the first time as well: it may have changed since it was read
			if _, err := a.Reload(ctx, byFolder); err != nil && ctx.Err() == nil {
				a.options.Log.Error("the changed configuration could not be taken; it is tried again", "why", exeunt.MessageOf(err))
				watch.taken = ""
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
