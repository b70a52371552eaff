package sim

// Stay takes a departure back.
func (h *BambooHR) Stay(p Person) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.records[p.ID()]
	kept["status"], kept["employmentHistoryStatus"] = "Active", "Full-Time"
	kept["terminationDate"], kept["customLastDay"], kept["customLeavingType"] = "0000-00-00", "", ""
}
