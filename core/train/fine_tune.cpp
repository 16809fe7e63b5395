#include "train/fine_tune.h"
