// The function of the translation unit that only runs models.
#pragma once

#include <cvt/model.hpp>

/// Returns the largest logit of the model for a generated image; negative infinity if a call fails.
float largest_logit(const cvt::model& m);
