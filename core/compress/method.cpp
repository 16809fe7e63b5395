#include "compress/method.h"
