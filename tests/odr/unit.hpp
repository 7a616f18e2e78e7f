// What a unit of this test gives to main.cpp: plain data only, because units of other flags cannot share cvt's own types.
#pragma once

struct unit_result {
    float logits[7];        // of a tensor
    float image_logits[7];  // of an image, through preprocessing
    int warnings;           // about the one weight that is NaN: 1
    char load_error[480];   // of a file that is not there
    const char* name;       // the inline namespace of the unit
    const char* kernels;    // what ran
    const char* failure;    // null when all went well
};
