--- ml.fft.power
local turns = ml.arange(0, 7) * (2 * math.pi / 8)
print(ml.fft.power((2 * turns):cos()):round())  --> [ 0.,  0., 16.,  0.,  0.]  f32 (5)
