#!/bin/sh
# A first workflow through the API: somebody to write to, something to say, and when.
#
#   KEY=al_… W=http://localhost:8080/api/v1/w/acme sh examples/api/first-workflow.sh
#
# Make the key with `autoloop key create you@example.com`, or in the dashboard under Settings, API keys, with the
# scope “write”. Needs curl and nothing else. It may be run again: it then writes to the same person once more.
set -eu

: "${KEY:?an API key with the scope write}"
: "${W:?the address of the workspace behind the JSON door, like http://localhost:8080/api/v1/w/acme}"

call() { # METHOD PATH [BODY]: the answer's JSON on one line
  curl -sS --fail-with-body -X "$1" "$W/$2" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d "${3:-{\}}"
}
id() { grep -o '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4; } # the first id in an answer: the row's own
none() { grep -q '"data":\[\]'; }

# How mail leaves (here: into the local mailbox, to be read in the dashboard), who writes, who is written to.
if call GET providers | none; then call POST providers '{"name": "Local", "provider": "mailbox"}' > /dev/null; fi
if call GET senders | none; then call POST senders '{"name": "Grace", "address": "grace@example.org", "postal_address": "Acme, 1 Main Street, Springfield"}' > /dev/null; fi
CONTACT=$(call POST contacts/upsert '{"email": "ada@example.com", "first_name": "Ada",
  "consent": {"marketing": "granted", "source": "first workflow"}}' | id)

# What is written.
TEMPLATE=$(call POST templates '{"name": "Hello", "subject": "Hello {{ contact.first_name }}", "kind": "markdown",
  "source": "Dear {{ contact.first_name }},\n\nwelcome. Answer this mail whenever you like.\n\nGrace"}' | id)

# A workflow: one mail, two days for an answer, a tag either way. It starts by hand, and by itself for everybody new.
WORKFLOW=$(call POST workflows '{"name": "Welcome", "triggers": [{"type": "contact_created"}, {"type": "manual"}], "graph": {
  "nodes": [
    {"id": "hello",    "type": "send_email",     "config": {"template_id": "'"$TEMPLATE"'"}},
    {"id": "answer",   "type": "wait_for_event", "config": {"event": "email.replied", "timeout": {"amount": 2, "unit": "days"}}},
    {"id": "answered", "type": "add_tag",        "config": {"tag": "answered"}},
    {"id": "silent",   "type": "add_tag",        "config": {"tag": "silent"}}],
  "edges": [
    {"from": "hello",  "port": "sent",    "to": "answer"},
    {"from": "answer", "port": "next",    "to": "answered"},
    {"from": "answer", "port": "timeout", "to": "silent"}]}}' | id)

# Check it, publish it, start it for Ada.
say() { printf '%-10s %s\n' "$1" "$2"; }
say check "$(call POST "workflows/$WORKFLOW/check")"
say publish "$(call POST "workflows/$WORKFLOW/publish" '{"note": "First"}')"
say enrol "$(call POST "workflows/$WORKFLOW/enrol" '{"contact_ids": ["'"$CONTACT"'"]}')"

# Where she stands: the mail goes out, and the run waits for an answer.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  STATS=$(call GET "workflows/$WORKFLOW/stats")
  case $STATS in *'"answer":{"here":1'*) break ;; esac
  sleep 1
done
say stats "$STATS"
