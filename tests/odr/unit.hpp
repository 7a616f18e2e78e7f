// The result of a unit: plain data, because units with different flags cannot share cvt's types.
#pragma once

struct unit_result {
    float logits[7];        // of a tensor
    float image_logits[7];  // of an image, through preprocessing
    int warnings;           // about the one weight that is NaN: 1
    char load_error[480];   // for a missing file
    const char* name;       // the inline namespace of the unit
    const char* kernels;    // the kernel set that ran
    const char* failure;    // null if all calls succeeded
};
