"""Live outputs of the motion: OSC for VRChat, VMC, WebSocket, LSL. README.md says what each sends."""
