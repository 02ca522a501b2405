# The image runs as a user without rights, keeps data in /data and remembers checkpoints in /state: mount them from different places.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.base.json ./
COPY packages ./packages
COPY scripts ./scripts
RUN node scripts/setup.mjs && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production \
    VOUCHTRAIL_DATA=/data \
    VOUCHTRAIL_STATE=/state \
    VOUCHTRAIL_HTTP_HOST=0.0.0.0
RUN mkdir /data /state && chown node:node /data /state
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/packages ./packages
USER node
VOLUME ["/data", "/state"]
EXPOSE 7431
# Beyond loopback the server asks for keys: bring the first one with VOUCHTRAIL_ADMIN_KEY.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7431/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/packages/cli/bundle/main.js"]
CMD ["serve"]
