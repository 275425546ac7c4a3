"""The program itself: components and licences, desktop integration, diagnostics and benchmark."""
