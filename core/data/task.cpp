#include "data/task.h"
