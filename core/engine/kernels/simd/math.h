#pragma once
// Transcendental functions on a register; include after a vector.h. Coefficients are minimax fits of our own.

#include "engine/kernels/kernels.h"

namespace {

constexpr float kLog2OfE = 1.44269504F;

// 2^x for x <= 127, relative error below 2e-7; below -126 it goes to 0.
inline Floats power_of_two(Floats x) {
  const Floats n = round_to_whole(x);
  const Floats f = sub(x, n);
  Floats p = all(1.326453174e-3F);
  p = fma(p, f, all(9.67162295e-3F));
  p = fma(p, f, all(5.550735228e-2F));
  p = fma(p, f, all(2.402224037e-1F));
  p = fma(p, f, all(6.931469762e-1F));
  p = fma(p, f, all(1.0F));
  return times_power_of_two(p, n);
}

// x times the normal distribution function. The function less one half is x P(x^2) / Q(x^2), off by less than 1e-8 on
// |x| <= 5.5; beyond, it differs from 0 or 1 by less than 2e-8, and gelu(-5.5) is 0 within 2e-7.
inline Floats gelu(Floats unbounded) {
  const Floats x = max(unbounded, all(-5.5F));
  const Floats z = min(x, all(5.5F));
  const Floats t = mul(z, z);
  Floats p = all(2.275040964e-8F);
  Floats q = all(1.19749011e-6F);
  p = fma(p, t, all(6.351518851e-6F));
  q = fma(q, t, all(7.363243022e-5F));
  p = fma(p, t, all(1.687838126e-4F));
  q = fma(q, t, all(1.884209837e-3F));
  p = fma(p, t, all(4.677003487e-3F));
  q = fma(q, t, all(2.864364891e-2F));
  p = fma(p, t, all(3.384888263e-2F));
  q = fma(q, t, all(2.515124885e-1F));
  p = fma(p, t, all(3.989422349e-1F));
  q = fma(q, t, all(1.0F));
  return fma(mul(x, z), divide(p, q), mul(x, all(0.5F)));
}

inline Floats sigmoid(Floats x) {
  const Floats bounded = max(min(x, all(87.0F)), all(-87.0F));
  return divide(all(1.0F), add(all(1.0F), power_of_two(mul(bounded, all(-kLog2OfE)))));
}

// 2 sigmoid(2 x) - 1 off zero, x - x^3 / 3 + 2 x^5 / 15 near it, where the difference would cancel.
inline Floats hyperbolic_tangent(Floats x) {
  const Floats far = fma(all(2.0F), sigmoid(add(x, x)), all(-1.0F));
  const Floats t = mul(x, x);
  const Floats series = fma(fma(fma(all(-17.0F / 315.0F), t, all(2.0F / 15.0F)), t, all(-1.0F / 3.0F)), mul(t, x), x);
  return where_less(magnitude(x), all(0.15F), series, far);
}

inline Floats gelu_tanh(Floats x) {
  const Floats inner = mul(mul(x, all(0.7978845608F)), fma(mul(x, x), all(0.044715F), all(1.0F)));
  return mul(x, sigmoid(add(inner, inner)));
}

template <espalier::kernels::Activation kKind>
inline Floats activate(Floats x) {
  using espalier::kernels::Activation;
  if constexpr (kKind == Activation::Gelu) return gelu(x);
  if constexpr (kKind == Activation::GeluTanh) return gelu_tanh(x);
  if constexpr (kKind == Activation::Relu) return max(x, zero());
  if constexpr (kKind == Activation::Silu) return mul(x, sigmoid(x));
  if constexpr (kKind == Activation::Tanh) return hyperbolic_tangent(x);
  return x;
}

}  // namespace
