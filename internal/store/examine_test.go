package store_test

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
	"github.com/jackc/pgx/v5"
)

func TestADatabaseIsExaminedBeforeItIsUsed(t *testing.T) {
	address := testserver.Postgres(t)
	found, err := store.ExamineDatabase(t.Context(), address)
	if err != nil || !found.MayCreate || found.ReadOnly || found.Outdated() {
		t.Errorf("our own: %+v, %v", found, err)
	}
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	guest := "guest_" + strings.ToLower(rand.Text()[:8])
	if _, err := c.Exec(t.Context(), "CREATE ROLE "+guest+" LOGIN PASSWORD 'guest-password'"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), "REVOKE CREATE ON SCHEMA public FROM PUBLIC"); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(guest, "guest-password")
	if found, err := store.ExamineDatabase(t.Context(), u.String()); err != nil || found.MayCreate {
		t.Errorf("a role that may create nothing: %+v, %v", found, err)
	}
	u.User = url.UserPassword(guest, "another")
	if _, err := store.ExamineDatabase(t.Context(), u.String()); exeunt.KindOf(err) != exeunt.Temporary || strings.Contains(err.Error(), "another") {
		t.Errorf("a wrong password: %v", err)
	}
}
