// Runs the same model in every unit of this program and compares the results. Exit status 0 if all agree.
#include <cmath>
#include <cstdio>
#include <cstring>

#if defined(CVT_TEST_ARM)
#include <sys/auxv.h>
#endif

#include "support/worse.hpp"
#include "unit.hpp"

void unit_base(unit_result&);
void unit_base_again(unit_result&);
void unit_noexc(unit_result&);
void unit_fastmath(unit_result&);
#if defined(CVT_TEST_X86)
void unit_avx2(unit_result&);
void unit_avx512(unit_result&);
#elif defined(CVT_TEST_ARM)
void unit_lse(unit_result&);
void unit_dotprod(unit_result&);
void unit_sve(unit_result&);
#endif

int main() {
    struct {
        void (*run)(unit_result&);
        bool runs_here;
    } units[] {
        {unit_base, true}, {unit_base_again, true}, {unit_noexc, true}, {unit_fastmath, true},
#if defined(CVT_TEST_X86)
            {unit_avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
            {unit_avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")},
#elif defined(CVT_TEST_ARM)
            {unit_lse, (getauxval(AT_HWCAP) & HWCAP_ATOMICS) != 0}, {unit_dotprod, (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0},
            {unit_sve, (getauxval(AT_HWCAP) & HWCAP_SVE) != 0},
#endif
    };
    static unit_result first, result;
    int failed = 0;
    units[0].run(first);
    for (auto& unit : units) {
        if (!unit.runs_here) continue;
        unit.run(result);
        float worst = 0;
        for (int i = 0; i < 7; ++i) {
            const float a = std::fabs(result.logits[i] - first.logits[i]), b = std::fabs(result.image_logits[i] - first.image_logits[i]);
            worst = cvt_test::worse(worst, a);
            worst = cvt_test::worse(worst, b);
        }
        const char* wrong = result.failure != nullptr                               ? result.failure
                            : !(worst <= 1e-5F)                                     ? "other logits"
                            : result.warnings != 1                                  ? "the NaN was not noticed"
                            : result.load_error[0] == '\0'                          ? "a missing file was loaded"
                            : std::strcmp(result.load_error, first.load_error) != 0 ? "another message"
                                                                                    : nullptr;
        std::printf("%-28s %-6s logits %.6f... max difference %.1e %s\n", result.name, result.kernels != nullptr ? result.kernels : "-",
                    static_cast<double>(result.logits[0]), static_cast<double>(worst), wrong != nullptr ? wrong : "ok");
        if (wrong != nullptr) failed = 1;
    }
    return failed;
}
