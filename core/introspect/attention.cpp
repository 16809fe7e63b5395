#include "introspect/introspect.h"
