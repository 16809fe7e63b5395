#include "recipe/recipe.h"
