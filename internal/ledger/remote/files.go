package remote

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"time"

	"github.com/exeunt/exeunt"
)

// Files are those of [ledger.Log]. They can be read whole and listed, which is what verifying needs.
func (c *Client) Files(ctx context.Context) fs.FS { return files{ctx, c} }

type files struct {
	ctx    context.Context
	client *Client
}

// Open is only there for being an fs.FS.
func (f files) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}

// ReadFile is that of fs.ReadFileFS.
func (f files) ReadFile(name string) ([]byte, error) {
	raw, err := f.client.call(f.ctx, http.MethodGet, "/v1/files/"+name, nil)
	return raw, missing(name, err)
}

// ReadDir is that of fs.ReadDirFS.
func (f files) ReadDir(name string) ([]fs.DirEntry, error) {
	raw, err := f.client.call(f.ctx, http.MethodGet, "/v1/list/"+name, nil)
	if err != nil {
		return nil, missing(name, err)
	}
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, len(names))
	for i, n := range names {
		list[i] = listed(n)
	}
	return list, nil
}

// missing is the error that package fs has for a file that is not there.
func missing(name string, err error) error {
	if exeunt.KindOf(err) == exeunt.NotFound {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return err
}

// listed is a name in a folder; nothing else is known of it.
type listed string

func (l listed) Name() string               { return string(l) }
func (l listed) IsDir() bool                { return false }
func (l listed) Type() fs.FileMode          { return 0 }
func (l listed) Info() (fs.FileInfo, error) { return info{l}, nil }

type info struct{ listed }

func (i info) Size() int64        { return 0 }
func (i info) Mode() fs.FileMode  { return 0 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }
