// The worker program of the process runner's tests.
#include "jobs/runners.h"
#include "tests/jobs/test_kinds.h"

int main() { return espalier::serve_jobs(espalier::test::test_kinds()); }
