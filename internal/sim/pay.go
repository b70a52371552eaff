package sim

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// newPayroll is the payroll of connectors/yaml/testdata/payroll.openapi.yaml.
func newPayroll() *Vendor {
	token := rand.Text()
	v := newVendor("payroll", "emp-", token, func(r *http.Request) bool { return r.Header.Get("X-Api-Key") == token })
	v.handle("GET /v1/employees", func(w http.ResponseWriter, r *http.Request) {
		list := []any{}
		for _, a := range v.accounts {
			if strings.HasPrefix(a.login, r.FormValue("employee_number")) {
				list = append(list, onPayroll(a))
			}
		}
		page, _ := strconv.Atoi(r.FormValue("page"))
		size, _ := strconv.Atoi(r.FormValue("per_page"))
		size = min(max(size, 1), 100)
		from := min((max(page, 1)-1)*size, len(list))
		reply(w, http.StatusOK, map[string]any{"employees": list[from:min(from+size, len(list))]})
	})
	v.withAccount("GET /v1/employees/{id}", func(w http.ResponseWriter, _ *http.Request, a *account) { reply(w, http.StatusOK, onPayroll(a)) })
	remembered := map[string]any{} // by idempotency key: what was answered
	once := func(w http.ResponseWriter, r *http.Request, exists bool, build func(body map[string]any) any) {
		key := r.Method + r.URL.Path + r.Header.Get("Idempotency-Key")
		body, ok := read(r)
		switch answer, again := remembered[key]; {
		case again:
			reply(w, http.StatusCreated, answer)
		case !ok || r.Header.Get("Idempotency-Key") == "":
			refuse(w, http.StatusBadRequest, "invalid")
		case exists:
			refuse(w, http.StatusConflict, "exists")
		default:
			remembered[key] = build(body)
			reply(w, http.StatusCreated, remembered[key])
		}
	}
	v.withAccount("POST /v1/employees/{id}/termination", func(w http.ResponseWriter, r *http.Request, a *account) {
		once(w, r, a.termination != nil, func(body map[string]any) any {
			termination := map[string]any{"effective_date": body["effective_date"], "reference": body["reference"]}
			v.change(func() { a.termination = termination })
			return termination
		})
	})
	v.withAccount("POST /v1/employees/{id}/final-payment", func(w http.ResponseWriter, r *http.Request, a *account) {
		if a.termination == nil {
			refuse(w, http.StatusUnprocessableEntity, "employment_active")
			return
		}
		once(w, r, a.payment != nil, func(body map[string]any) any {
			payment := map[string]any{"status": "scheduled", "reference": body["reference"]}
			v.change(func() { a.payment = payment })
			return payment
		})
	})
	takeBackPay(v)
	return v
}

// onPayroll is somebody as the payroll shows them.
func onPayroll(a *account) map[string]any {
	e := map[string]any{"id": a.id, "employee_number": a.login, "status": "active", "termination": nil, "final_payment": nil}
	if a.termination != nil {
		e["status"], e["termination"] = "terminated", a.termination
	}
	if a.payment != nil {
		e["final_payment"] = a.payment
	}
	return e
}

// takeBackPay handles what undoes a termination: the payment first, as the description says.
func takeBackPay(v *Vendor) {
	v.withAccount("DELETE /v1/employees/{id}/termination", func(w http.ResponseWriter, _ *http.Request, a *account) {
		switch {
		case a.termination == nil:
			refuse(w, http.StatusNotFound, "none")
		case a.payment != nil:
			refuse(w, http.StatusConflict, "final_payment_scheduled")
		default:
			v.change(func() { a.termination = nil })
			w.WriteHeader(http.StatusNoContent)
		}
	})
	v.withAccount("DELETE /v1/employees/{id}/final-payment", func(w http.ResponseWriter, _ *http.Request, a *account) {
		if a.payment == nil {
			refuse(w, http.StatusNotFound, "none")
			return
		}
		v.change(func() { a.payment = nil })
		w.WriteHeader(http.StatusNoContent)
	})
}

// BenefitsUser is by what the benefits administrator knows us.
const BenefitsUser = "larkfield-hr"

// newBenefits is the administrator of connectors/yaml/testdata/benefits.openapi.yaml: it says that it
// received a notification and nothing more.
func newBenefits() *Vendor {
	password := rand.Text()
	v := newVendor("benefits", "part-", password, basic(BenefitsUser, password))
	show := func(a *account) map[string]any {
		return map[string]any{"id": a.id, "employee_id": a.login, "coverage": "active", "plans": []string{"medical", "dental"}}
	}
	v.handle("GET /participants", func(w http.ResponseWriter, r *http.Request) {
		list := []any{}
		for _, a := range v.accounts {
			if wanted := r.FormValue("employee_id"); wanted == "" || a.login == wanted {
				list = append(list, show(a))
			}
		}
		reply(w, http.StatusOK, map[string]any{"participants": list})
	})
	v.withAccount("GET /participants/{id}", func(w http.ResponseWriter, _ *http.Request, a *account) { reply(w, http.StatusOK, show(a)) })
	receipts := map[string]string{}
	v.withAccount("POST /participants/{id}/notifications", func(w http.ResponseWriter, r *http.Request, a *account) {
		key := r.Header.Get("Idempotency-Key")
		body, ok := read(r)
		if !ok || key == "" || body["event"] != "employment_ended" {
			refuse(w, http.StatusBadRequest, "invalid")
			return
		}
		if receipts[a.id+key] == "" {
			receipts[a.id+key] = fmt.Sprintf("R-%d", len(receipts)+1)
		}
		reply(w, http.StatusAccepted, map[string]any{"accepted": true, "receipt": receipts[a.id+key]})
	})
	return v
}
