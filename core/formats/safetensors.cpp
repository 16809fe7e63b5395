#include "formats/safetensors.h"
