package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/template"
	"github.com/spf13/cobra"
)

func connectorNewCommand(c *console) *cobra.Command {
	var description, code, dir string
	cmd := &cobra.Command{
		Use: "new --yaml NAME | --go NAME", Short: "Write a connector to begin with: a description in YAML, or a package in Go", Args: cobra.NoArgs,
		Long: `Write a connector to begin with, as docs/write-a-connector.md tells. --yaml writes NAME.yaml, a whole description with every
part explained, best into specs of your configuration; --go writes a package that passes the conformance suite as it is, into
connectors of the source of Exeunt. What is there already is never written over.`,
		Example: "  exeunt connector new --yaml door-locks --out /etc/exeunt/specs\n  exeunt connector new --go badges --out connectors",
		RunE: func(*cobra.Command, []string) error {
			files, err := newConnector(description, code)
			if err != nil {
				return err
			}
			written := []string{}
			for _, name := range sorted(files) {
				path := filepath.Join(dir, name)
				if err := writeNew(path, files[name]); err != nil {
					return err
				}
				written = append(written, path)
				c.note("%s", path)
			}
			return c.print(map[string]any{"schema": "files/v1", "files": written}, func(io.Writer) {})
		},
	}
	cmd.Flags().StringVar(&description, "yaml", "", "name of a description")
	cmd.Flags().StringVar(&code, "go", "", "name of a package")
	cmd.Flags().StringVar(&dir, "out", ".", "folder to write into")
	cmd.MarkFlagsMutuallyExclusive("yaml", "go")
	cmd.MarkFlagsOneRequired("yaml", "go")
	return cmd
}

// newConnector is what is written, by its path below the folder.
func newConnector(description, code string) (map[string]string, error) {
	if code == "" {
		text, err := template.YAML(description)
		return map[string]string{description + ".yaml": text}, err
	}
	files, err := template.Go(code)
	below := map[string]string{}
	for name, text := range files {
		below[filepath.Join(code, name)] = text
	}
	return below, err
}

// writeNew writes a file that is not there.
func writeNew(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // source code, no secret
		return exeunt.Errorf(exeunt.Denied, "%s cannot be made: see that you may write there", filepath.Dir(path)).Because(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // likewise
	if errors.Is(err, fs.ErrExist) {
		return exeunt.Errorf(exeunt.Conflict, "%s is there already: choose another name or folder", path)
	}
	if err != nil {
		return exeunt.Errorf(exeunt.Denied, "%s cannot be written: see that you may write there", path).Because(err)
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
