package httpspec_test

import (
	"errors"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// A vendor whose headers nobody else has is stopped at before it refuses us, too.
func TestTheLastRequestByTheDescriptionsHeaders(t *testing.T) {
	c, v := suite(t, with(healthy(), "GET /users/u1", says(200, `{"id":"u1","status":"on"}`, "X-Left", "0", "X-Reset", "30")))
	_, err := c.Observe(t.Context(), ann)
	e, ok := errors.AsType[*exeunt.Error](err)
	if !ok || e.Kind != exeunt.Throttled || e.RetryAfter < 29*time.Second || e.RetryAfter > 30*time.Second || len(v.asked) != 1 {
		t.Errorf("%#v after %v", err, v.asked)
	}
	c, v = suite(t, with(healthy(), "GET /users/u1", says(200, `{"id":"u1","status":"on"}`, "X-Left", "0")))
	if _, err := c.Observe(t.Context(), ann); err != nil {
		t.Errorf("without a reset there is nothing to wait for: %v after %v", err, v.asked)
	}
}
