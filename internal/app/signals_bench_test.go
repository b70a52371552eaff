package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// How long it takes from the decision until a receiver has the message: through the case, its plan, the lane and the step. The
// second message of two says that the sessions are revoked. It measures a few, whatever is asked for: more departures at once
// would wait for a second person.
func BenchmarkTelling(b *testing.B) {
	for _, mode := range []string{"push", "poll"} {
		b.Run(mode, func(b *testing.B) {
			came := make(chan time.Time, 1000)
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				came <- time.Now()
				w.WriteHeader(http.StatusAccepted)
			}))
			defer receiver.Close()
			w := quietTown(b, receiver.Listener.Addr().(*net.TCPAddr).Port, "")
			if mode == "poll" {
				w.call("POST", "/ssf/stream", `{}`)
				go w.pollInto(came)
			} else {
				w.call("POST", "/ssf/stream", `{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"`+w.pushTo+`"}}`)
			}
			var all []time.Duration
			for i := range 8 {
				begun := time.Now()
				w.fire(fmt.Sprint("E-", i), fmt.Sprintf("p%d@acme.example", i))
				<-came
				all = append(all, (<-came).Sub(begun))
			}
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Milliseconds()), "ms-median")
			b.ReportMetric(float64(all[len(all)-1].Milliseconds()), "ms-worst")
		})
	}
}

// pollInto polls until the server stops, and says when each message came.
func (w *town) pollInto(came chan<- time.Time) {
	ask := map[string]any{}
	for {
		body, _ := json.Marshal(ask)
		status, sets := pollOnce(w.App.URL(), w.token, body)
		if status != http.StatusOK {
			return
		}
		var acknowledged []string
		for id := range sets {
			came <- time.Now()
			acknowledged = append(acknowledged, id)
		}
		ask["ack"] = acknowledged
	}
}

func pollOnce(server, token string, body []byte) (status int, sets map[string]string) {
	r, err := http.NewRequest(http.MethodPost, server+"/ssf/poll", bytes.NewReader(body))
	if err != nil {
		return 0, nil
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer answer.Body.Close()
	var said struct{ Sets map[string]string }
	if json.NewDecoder(answer.Body).Decode(&said) != nil {
		return 0, nil
	}
	return answer.StatusCode, said.Sets
}
